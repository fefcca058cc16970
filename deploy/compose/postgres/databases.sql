-- Run once, on an empty volume: a role and a database for each program. Passwords come from the environment.
\set ON_ERROR_STOP on
\getenv slipway_password DATABASE_PASSWORD
\getenv keycloak_password KEYCLOAK_DATABASE_PASSWORD
create role slipway login password :'slipway_password';
create database slipway owner slipway;
create role keycloak login password :'keycloak_password';
create database keycloak owner keycloak;

-- Who signs in by an issuer: sessions of browsers, and tokens that were given for another issuer's.

-- A browser's session. The cookie holds the secret, of which only the hash is here.
create table sessions (
  id             uuid primary key,
  secret_sha256  bytea not null unique,
  method         text not null check (method in ('oidc', 'token')),
  -- Whose it is, and what the audit log called them when it began.
  principal_id   text not null,
  principal_name text not null,
  -- What it stands on, sealed: the bearer token, and what renews it.
  sealed         bytea not null,
  -- Null: the bearer token does not end by itself.
  bearer_expires_at timestamptz,
  -- Until then one server alone asks the issuer for another bearer token.
  renewing_until timestamptz,
  created_at     timestamptz not null,
  -- When it ends however it is used.
  expires_at     timestamptz not null,
  -- When it ends unless it is used, at most expires_at.
  ends_at        timestamptz not null
);
create index sessions_ending on sessions (ends_at);
create index sessions_of_principal on sessions (principal_id, created_at);

-- Issuer and subject that a token was given to by exchange; null: somebody made it. Such tokens are short-lived,
-- and all of one subject are one person.
alter table tokens add column exchanged_for text;
create index tokens_exchanged on tokens (expires_at) where exchanged_for is not null;

-- Several servers on one database: who they are, and where the logs are that are being written.

create table servers (
  id              uuid primary key,
  name            text not null,
  -- Id of its data directory: another server with the same one is its successor.
  home            text not null,
  -- Where the others reach it; null while it starts.
  url             text,
  version         text not null,
  -- Tells whether two have the same master key, and nothing of the key.
  key_fingerprint text not null,
  -- What all of them must have in common.
  gitops          text not null,
  objects         text not null,
  started_at      timestamptz not null default now(),
  last_seen_at    timestamptz not null default now()
);

-- Logs that are not whole in the object store. "home" is the data directory that has one; null: what
-- there is of it waits in the object store for whoever goes on with it.
create table live_logs (
  key   text collate "C" primary key,
  home  text,
  since timestamptz not null default now()
);
create index live_logs_of_home on live_logs (home) where home is not null;

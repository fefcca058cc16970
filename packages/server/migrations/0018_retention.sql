-- What decides whether a branch is red: its ended runs that say so, without the cancelled ones in between.
create index runs_decided_by_branch on runs (repository, branch, branch_ordinal desc)
  include (status, started_at) where status in ('success', 'failed');

-- How long finished things are kept where it was changed here; what slipway.yaml sets comes first.
create table retention_times (
  kind       text primary key check (kind in ('runs', 'logs', 'jobs', 'events')),
  kept_ms    bigint not null check (kept_ms > 0),
  changed_by text not null,
  changed_at timestamptz not null default now()
);

-- What the last pass over each part came to.
create table retention_passes (
  part     text primary key,
  ended_at timestamptz not null,
  removed  bigint not null
);

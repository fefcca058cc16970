-- Runs that an outside workflow orchestrates: the server decides what exists and what is due, and begins of it
-- only what a step of the workflow has released.

alter table runs
  add column orchestrator text not null default 'server' check (orchestrator in ('server', 'argo')),
  -- The highest group of phases that was released; null: none. Without meaning where the server orchestrates.
  add column released_group integer;

-- A stage of a run that was released, and that somebody may wait for.
create table run_dispatches (
  id           uuid primary key,
  run_id       uuid not null references runs on delete cascade,
  -- discovery, or group-<n>
  stage        text not null,
  group_number integer,
  -- Of a discovery that this released.
  job_id       uuid,
  created_at   timestamptz not null default now(),
  unique (run_id, stage)
);

create table run_workflows (
  run_id          uuid primary key references runs on delete cascade,
  name            text not null,
  -- The cluster's name of the one that was submitted: another one of the same name is not it.
  uid             text,
  -- waiting: to be submitted; running: submitted; ended: nothing is to be done about it any more.
  state           text not null default 'waiting' check (state in ('waiting', 'running', 'ended')),
  -- For people: why it waits, or what the workflow says of itself.
  message         text,
  failures        integer not null default 0,
  next_attempt_at timestamptz not null default now(),
  updated_at      timestamptz not null default now()
);
create index run_workflows_open on run_workflows (run_id) where state <> 'ended';

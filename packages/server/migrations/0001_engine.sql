-- The engine: access, jobs, runs, events.
-- Statuses are text with a check, so that a later migration can widen them without a rewrite.

create table tokens (
  id            uuid primary key,
  name          text not null,
  secret_sha256 bytea not null unique,
  roles         text[] not null,
  repositories  text[],
  created_by    text not null,
  created_at    timestamptz not null default now(),
  expires_at    timestamptz,
  last_used_at  timestamptz,
  revoked_at    timestamptz
);
create unique index tokens_valid_name on tokens (name) where revoked_at is null;

-- One-minute, single-use stand-ins for a token; spending one deletes it.
create table tickets (
  secret_sha256 bytea primary key,
  principal     jsonb not null,
  expires_at    timestamptz not null
);
create index tickets_expiry on tickets (expires_at);

create table audit_log (
  id         bigint generated always as identity primary key,
  at         timestamptz not null default now(),
  actor      text not null,
  action     text not null,
  resource   text not null,
  address    text not null,
  outcome    integer not null,
  request_id text not null
);

-- A duty that must run once holds its row until it lets go or falls silent.
create table leases (
  name       text primary key,
  holder     uuid not null,
  expires_at timestamptz not null
);

create table workers (
  id           uuid primary key,
  name         text not null,
  -- The data directory (host and path) whose owner this worker is: a new owner knows that the old one is dead.
  home         text not null,
  types        text[] not null,
  capacity     integer not null,
  started_at   timestamptz not null default now(),
  last_seen_at timestamptz not null default now()
);

-- The jobs ledger. "attempt" counts the attempts begun; a claim is the conditional
-- update that raises it, and everything a worker reports names the attempt it holds.
create table jobs (
  id           uuid not null,
  type         text not null,
  subject      text not null,
  run_id       uuid,
  payload      jsonb not null,
  state        text not null default 'queued'
               check (state in ('queued', 'running', 'succeeded', 'failed', 'dead', 'cancelled')),
  attempt      integer not null default 0,
  max_attempts integer not null default 3,
  timeout_ms   integer not null,
  run_at       timestamptz not null default now(),
  deadline_at  timestamptz,
  worker_id    uuid,
  result       jsonb,
  error        text,
  created_at   timestamptz not null default now(),
  started_at   timestamptz,
  finished_at  timestamptz,
  primary key (id)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
create index jobs_ready on jobs (type, run_at, id) where state = 'queued';
-- Live entries are few and dead ones many: a scan of a whole index of these looks cheap and is not. So
-- each is usable only with a condition on its own first column, which its predicate repeats.
create index jobs_of_worker on jobs (worker_id, id) where state = 'running' and worker_id is not null;
create index jobs_deadline on jobs (deadline_at) where state = 'running' and deadline_at is not null;
create index jobs_of_run on jobs (run_id) where state in ('queued', 'running') and run_id is not null;
create index jobs_finished on jobs (finished_at) where finished_at is not null;
-- Statistics catch the queue full or empty by chance; without them every plan is one that suits both.
alter table jobs alter column state set statistics 0;

-- Where finished rows move to, a partition a day; dropping a day is dropping a table.
create table job_history (
  id uuid not null, type text not null, subject text not null, run_id uuid, payload jsonb not null,
  state text not null, attempt integer not null, worker_id uuid, result jsonb, error text,
  created_at timestamptz not null, started_at timestamptz, finished_at timestamptz not null
) partition by range (finished_at);
create index job_history_id on job_history (id);

create table runs (
  id             uuid primary key,
  repository     text not null,
  branch         text not null,
  commit_sha     text not null,
  status         text not null default 'pending'
                 check (status in ('pending', 'running', 'success', 'failed', 'cancelled')),
  trigger_type   text not null,
  triggered_by   text not null,
  message        text,
  problems       jsonb,
  failed_phase   text,
  -- Dense from 1 in the repository and in the (repository, branch): an offset is arithmetic, not a scan.
  repository_ordinal bigint not null,
  branch_ordinal     bigint not null,
  started_at     timestamptz not null default now(),
  completed_at   timestamptz
);
create unique index runs_by_repository on runs (repository, repository_ordinal);
create unique index runs_by_branch on runs (repository, branch, branch_ordinal);
create unique index runs_active on runs (repository, commit_sha, branch) where status in ('pending', 'running');
create index runs_active_in_repository on runs (repository) where status in ('pending', 'running');

-- First and last ordinal that exist; branch '' counts the whole repository.
create table run_ordinals (
  repository text not null,
  branch     text not null,
  first      bigint not null default 1,
  last       bigint not null default 0,
  primary key (repository, branch)
) with (fillfactor = 50);

create table phases (
  id           uuid primary key,
  run_id       uuid not null references runs on delete cascade,
  position     integer not null,
  name         text not null,
  group_number integer not null,
  timeout_ms   integer not null,
  status       text not null default 'pending'
               check (status in ('pending', 'running', 'success', 'failed', 'skipped')),
  started_at   timestamptz,
  completed_at timestamptz,
  unique (run_id, position)
);

create table tasks (
  id           uuid primary key,
  run_id       uuid not null,
  phase_id     uuid not null references phases on delete cascade,
  position     integer not null,
  project_name text not null,
  project_path text not null,
  status       text not null default 'pending'
               check (status in ('pending', 'running', 'success', 'failed')),
  error        text,
  job_id       uuid,
  attempt      integer not null default 0,
  started_at   timestamptz,
  completed_at timestamptz
);
create index tasks_of_run on tasks (run_id);
create index tasks_of_phase on tasks (phase_id);

-- What each attempt of a task came to; the task row shows the newest.
create table task_attempts (
  task_id   uuid not null references tasks on delete cascade,
  attempt   integer not null,
  worker_id uuid,
  started_at timestamptz not null default now(),
  ended_at  timestamptz,
  outcome   text check (outcome in ('success', 'failed', 'lost')),
  error     text,
  primary key (task_id, attempt)
);

create table steps (
  id           uuid primary key,
  run_id       uuid not null,
  task_id      uuid not null references tasks on delete cascade,
  -- Every attempt of a task has step rows of its own, so that no state ever moves backwards.
  attempt      integer not null default 1,
  position     integer not null,
  name         text not null,
  definition   jsonb not null,
  status       text not null default 'pending'
               check (status in ('pending', 'running', 'success', 'failed')),
  exit_code    integer,
  error        text,
  log_key      text not null,
  started_at   timestamptz,
  completed_at timestamptz
);
create index steps_of_run on steps (run_id);
create unique index steps_of_task on steps (task_id, attempt, position);

-- The outbox. "seq" is given after the commit by the one relay, so a reader's cursor skips nothing.
create table events (
  id          bigint generated always as identity primary key,
  seq         bigint,
  event_type  text not null,
  repository  text,
  run_id      uuid,
  occurred_at timestamptz not null,
  data        jsonb not null
);
create unique index events_seq on events (seq) where seq is not null;
create index events_unnumbered on events (id) where seq is null;

create table event_sequence (
  "only" boolean primary key default true check ("only"),
  last bigint not null
);
insert into event_sequence (last) values (0);

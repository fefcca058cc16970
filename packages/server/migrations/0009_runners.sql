-- GitHub Actions jobs in ephemeral containers: delegations (the documents' "jobs") and runners.

create table delegations (
  id             uuid primary key,
  -- As the caller named the job: GitHub's id, or its key in the workflow.
  job_ref        text not null,
  github_job_id  bigint,
  -- Its key or name, as far as known.
  job_name       text,
  github_run_id  text not null,
  run_attempt    integer not null default 1,
  repository     text not null,
  workflow       text,
  -- The proxy that asked for it; null where nobody did.
  proxy_runner   text,
  sha            text,
  ref            text,
  event_name     text,
  actor          text,
  labels         text[] not null default '{}',
  -- How it came here: from GitHub's queue, from a proxy runner's hooks, or by the API.
  source         text not null check (source in ('queue', 'proxy', 'api')),
  -- The class that serves it; null: none does, and "reason" says why.
  class          text,
  status         text not null default 'queued'
                 check (status in ('queued', 'assigned', 'running', 'completed', 'failed', 'cancelled')),
  reason         text,
  -- What the class had it run, as it was when it was assigned.
  definition     jsonb,
  -- Whoever runs it: ours by their id, others by whatever they call themselves.
  runner_id      text,
  container_id   text,
  exit_code      integer,
  -- The job of the ledger that its container is looked after by.
  ledger_job_id  uuid,
  attempt        integer not null default 0,
  log_key        text not null,
  logs_deleted_at timestamptz,
  -- What the proxy says of the job; it does not end a delegation whose container runs.
  proxy_status   text,
  proxy_completed_at timestamptz,
  -- When GitHub queued the job, as far as known: what waiting is measured from.
  queued_at      timestamptz not null,
  created_by     text not null,
  created_at     timestamptz not null,
  assigned_at    timestamptz,
  started_at     timestamptz,
  completed_at   timestamptz,
  updated_at     timestamptz not null,
  unique (repository, github_run_id, job_ref, run_attempt)
);
create index delegations_newest on delegations (created_at desc, id desc);
create index delegations_of_repository on delegations (repository, created_at desc, id desc);
create index delegations_of_repository_by_status
  on delegations (repository, status, created_at desc, id desc);
create unique index delegations_of_ledger_job on delegations (ledger_job_id) where ledger_job_id is not null;
create index delegations_of_proxy on delegations (proxy_runner, repository)
  where proxy_runner is not null and status in ('queued', 'assigned', 'running');
create index delegations_ended on delegations (completed_at) where completed_at is not null;
create index delegations_with_logs on delegations (completed_at)
  where completed_at is not null and logs_deleted_at is null;
create index delegations_of_others on delegations (updated_at)
  where ledger_job_id is null and status in ('assigned', 'running');
create index delegations_by_status on delegations (status, created_at desc, id desc);
create index delegations_unfinished on delegations (class, queued_at)
  where status in ('queued', 'assigned', 'running');
create index delegations_of_github_job on delegations (github_job_id) where github_job_id is not null;

-- How many were created on a day, by where they stand: totals and far pages without a scan.
create table delegation_counts (
  repository     text not null,
  status         text not null,
  -- Days since 1970-01-01 (UTC).
  day            integer not null,
  count          bigint not null,
  primary key (repository, status, day)
) with (fillfactor = 60);

create function count_delegations() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' then
    update delegation_counts set count = count - 1
     where repository = old.repository and status = old.status
       and day = floor(extract(epoch from old.created_at) / 86400);
  end if;
  if tg_op <> 'DELETE' then
    insert into delegation_counts as c (repository, status, day, count)
    values (new.repository, new.status, floor(extract(epoch from new.created_at) / 86400), 1)
    on conflict (repository, status, day) do update set count = c.count + 1;
  end if;
  return null;
end $$;
-- At the commit: the rows of counters are everybody's, and held no longer than that takes.
create constraint trigger delegations_counted
  after insert or delete or update of status, repository, created_at
  on delegations deferrable initially deferred
  for each row execute function count_delegations();

create table runners (
  id             uuid primary key,
  name           text not null,
  type           text not null check (type in ('proxy', 'ephemeral', 'dedicated')),
  status         text not null check (status in ('idle', 'busy', 'offline', 'starting', 'stopping')),
  labels         text[] not null default '{}',
  -- owner/name that it serves; null: not only one.
  repository     text,
  -- GitHub's id of a runner that is registered there.
  github_id      bigint,
  class          text,
  delegation_id  uuid references delegations on delete set null,
  container_id   text,
  last_heartbeat timestamptz not null,
  created_at     timestamptz not null,
  updated_at     timestamptz not null
);
create unique index runners_name on runners (type, coalesce(repository, ''), name);
create index runners_of_delegation on runners (delegation_id) where delegation_id is not null;
create index runners_heartbeat on runners (last_heartbeat) where status <> 'offline';

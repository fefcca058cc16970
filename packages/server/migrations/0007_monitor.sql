-- GitHub Actions as we have seen it: repositories, workflows, runs, their attempts and jobs.

create table monitored_repositories (
  id             integer generated always as identity primary key,
  -- owner/name as GitHub spells it; GitHub takes any case.
  full_name      text not null,
  github_id      bigint,
  default_branch text,
  -- Why it is here: the setting names it, the token sees it and it has workflows, somebody asked for it,
  -- or a webhook told of it.
  source         text not null check (source in ('configured', 'detected', 'read', 'webhook')),
  -- When GitHub said that it is gone, or no longer ours to see.
  lost_at        timestamptz,
  -- Of the last poll: its validator, its time, and why it failed if it did.
  runs_etag      text,
  polled_at      timestamptz,
  poll_error     text,
  -- Runs created since then are all here.
  complete_since timestamptz,
  -- Rises with every change of its runs: what was computed of them is good as long as it stays.
  runs_version   bigint not null default 0,
  -- Likewise with every change of their jobs and artifacts.
  jobs_version   bigint not null default 0,
  created_at     timestamptz not null default now()
);
create unique index monitored_repositories_name on monitored_repositories (lower(full_name));
create unique index monitored_repositories_github on monitored_repositories (github_id)
  where github_id is not null;

create table workflows (
  id            bigint primary key,
  repository_id integer not null references monitored_repositories on delete cascade,
  name          text not null,
  path          text not null,
  state         text not null,
  updated_at    timestamptz not null
);
create index workflows_of_repository on workflows (repository_id);

-- The newest attempt of each run.
create table workflow_runs (
  id             bigint primary key,
  repository_id  integer not null references monitored_repositories on delete cascade,
  workflow_id    bigint not null,
  workflow_name  text not null,
  workflow_path  text,
  run_number     integer not null,
  attempt        integer not null,
  event          text not null,
  -- '' where GitHub has none.
  branch         text not null,
  commit_sha     text not null,
  commit_message text not null,
  actor          text not null,
  url            text not null,
  status         text not null check (status in ('pending', 'running', 'success', 'failure')),
  github_status  text not null,
  conclusion     text,
  created_at     timestamptz not null,
  run_started_at timestamptz not null,
  updated_at     timestamptz not null,
  -- Whole seconds from run_started_at to the end; null before it.
  duration       integer,
  -- Whether all jobs of this attempt are here as they ended.
  jobs_complete  boolean not null default false,
  -- [{id, name, size_in_bytes, expired, created_at, expires_at}]; null: not asked for yet.
  artifacts      jsonb
);
create index workflow_runs_of_repository on workflow_runs (repository_id, created_at desc, id desc);
create index workflow_runs_of_branch on workflow_runs (repository_id, branch, created_at desc, id desc);
create index workflow_runs_of_workflow on workflow_runs (repository_id, workflow_id, created_at desc, id desc);
create index workflow_runs_unfinished on workflow_runs (repository_id) where conclusion is null;
create index workflow_runs_of_commit on workflow_runs (repository_id, commit_sha);
-- Those whose jobs or artifacts are still to be fetched.
create index workflow_runs_undetailed on workflow_runs (created_at desc)
  where github_status = 'completed' and (not jobs_complete or artifacts is null);

-- The newest run of each (repository, workflow, branch): what "status" shows.
create table newest_workflow_runs (
  repository_id integer not null references monitored_repositories on delete cascade,
  workflow_id   bigint not null,
  branch        text not null,
  run_id        bigint not null references workflow_runs on delete cascade,
  created_at    timestamptz not null,
  -- As in the run.
  started_at    timestamptz not null,
  status        text not null,
  primary key (repository_id, workflow_id, branch)
);
create index newest_workflow_runs_order on newest_workflow_runs (started_at desc, run_id desc);
create index newest_workflow_runs_branch
  on newest_workflow_runs (branch, started_at desc, run_id desc);
create index newest_workflow_runs_run on newest_workflow_runs (run_id);

create table workflow_run_attempts (
  run_id       bigint not null references workflow_runs on delete cascade,
  attempt      integer not null,
  conclusion   text,
  started_at   timestamptz not null,
  completed_at timestamptz,
  primary key (run_id, attempt)
);

create table workflow_jobs (
  id            bigint primary key,
  repository_id integer not null references monitored_repositories on delete cascade,
  -- No reference: a job may be told of before its run.
  run_id        bigint not null,
  attempt       integer not null,
  name          text not null,
  status        text not null check (status in ('pending', 'running', 'success', 'failure')),
  github_status text not null,
  conclusion    text,
  created_at    timestamptz,
  started_at    timestamptz,
  completed_at  timestamptz,
  runner_name   text,
  labels        text[] not null default '{}',
  -- [{number, name, status, conclusion, started_at, completed_at}]
  steps         jsonb not null default '[]'
);
create index workflow_jobs_of_run on workflow_jobs (run_id, attempt, id);
create index workflow_jobs_of_repository on workflow_jobs (repository_id);

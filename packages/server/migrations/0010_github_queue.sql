-- GitHub's queue, as far as runner classes of ours serve it: what is there to be run is counted from these
-- rows, which only go forward, and never from how many deliveries came.

create table queue_jobs (
  github_job_id  bigint primary key,
  -- owner/name, as it was called when it was last heard of.
  repository     text not null,
  github_run_id  text not null,
  run_attempt    integer not null,
  name           text not null,
  workflow       text not null,
  sha            text not null,
  branch         text not null,
  event_name     text not null,
  actor          text not null,
  labels         text[] not null,
  -- waiting: GitHub does not want it to be run yet.
  state          text not null check (state in ('waiting', 'queued', 'in_progress', 'completed')),
  conclusion     text,
  -- Who took it, ours or not.
  runner_name    text,
  queued_at      timestamptz not null,
  -- When GitHub's API was last asked and said the same; null: only a delivery did.
  confirmed_at   timestamptz,
  -- When it was last heard of for the first time in this state.
  updated_at     timestamptz not null
);
create index queue_jobs_unfinished on queue_jobs (repository) where state <> 'completed';
create index queue_jobs_ended on queue_jobs (updated_at) where state = 'completed';

-- Repositories where GitHub lets us register no runner, or does not answer: their jobs wait.
create table runner_problems (
  repository     text primary key,
  -- For people: what is to be done about it.
  message        text not null,
  failures       integer not null,
  -- Until then nothing is tried again.
  until          timestamptz not null
);

-- Which delegation a runner in GitHub's list was made for.
create index delegations_of_runner on delegations ((definition #>> '{run,runnerName}'))
  where definition #>> '{run,runnerName}' is not null;

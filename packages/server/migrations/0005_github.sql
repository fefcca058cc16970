-- What GitHub told us, and what GitHub is to be told.

-- Deliveries of GitHub's webhook: what is wanted of each, never its body. A row is also how a delivery
-- that comes again is known.
create table github_deliveries (
  number      bigint generated always as identity,
  delivery_id text primary key,
  -- SHA-256 of the body: it alone is signed, so the id proves nothing.
  body_sha256 bytea not null,
  event       text not null,
  -- Null: it is not about one, or its name is none.
  repository  text,
  -- As the room's read-delivery.ts says it; null: nothing is.
  wanted      jsonb,
  status      text not null check (status in ('pending', 'done', 'ignored', 'failed')),
  -- For people: why nothing was wanted, or nothing came of it.
  note        text,
  run_id      uuid,
  attempt     integer not null default 0,
  next_attempt_at timestamptz,
  received_at timestamptz not null,
  check ((status = 'pending') = (next_attempt_at is not null)),
  check (status <> 'pending' or (wanted is not null and repository is not null))
);
create unique index github_deliveries_body on github_deliveries (body_sha256);
create index github_deliveries_pending on github_deliveries (number) where status = 'pending';
create index github_deliveries_age on github_deliveries (received_at);

-- Commits of forks that were offered as pull requests: each waits for somebody to let it run.
create table github_pull_requests (
  id              uuid primary key,
  -- Grows with every row: the order of lists.
  ordinal         bigint generated always as identity,
  repository      text not null,
  number          integer not null,
  title           text not null,
  author          text not null,
  -- Null: the fork is gone.
  head_repository text,
  head_ref        text not null,
  commit_sha      text not null,
  -- Superseded: the pull request has moved on to another commit.
  status          text not null check (status in ('waiting', 'approved', 'superseded', 'closed')),
  received_at     timestamptz not null,
  decided_at      timestamptz,
  decided_by      text,
  run_id          uuid,
  unique (repository, number, commit_sha)
);
create index github_pull_requests_list on github_pull_requests (ordinal desc);
create index github_pull_requests_of_commit on github_pull_requests (repository, commit_sha)
  where status = 'waiting';

-- What GitHub does not know yet. A row says only of what; how that is now is looked up when it is sent,
-- so a report that has not been sent yet is replaced by the next one about the same.
create table github_reports (
  repository text not null,
  kind       text not null check (kind in ('commit', 'deployment', 'release')),
  -- Commit, id of the deployment, tag.
  subject    text not null,
  -- Raised whenever there is news: what was sent before that is not the last word.
  version    bigint not null default 1,
  attempt    integer not null default 0,
  next_attempt_at timestamptz not null,
  -- Of the last news: what GitHub does not take for long is given up.
  since      timestamptz not null,
  last_error text,
  primary key (repository, kind, subject)
) with (fillfactor = 70);
create index github_reports_due on github_reports (next_attempt_at);

-- GitHub's deployments of ours, and what GitHub was told of each last.
create table github_deployments (
  deployment_id uuid primary key references deployments on delete cascade,
  github_id     bigint not null,
  state         text
);

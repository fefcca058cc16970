-- What follows a green run: artifacts, releases, approvals, deployments; and readers of the outbox.

-- What discovery found that is needed after the last phase. Deleted with its run.
create table run_configurations (
  run_id     uuid primary key references runs on delete cascade,
  -- RepositoryConfig of the forge package, without its phases.
  repository jsonb not null
);
create table run_projects (
  run_id   uuid not null references runs on delete cascade,
  position integer not null,
  name     text not null,
  path     text not null,
  -- ProjectConfig of the forge package, without its phases.
  config   jsonb not null,
  -- Why this run releases the project; null: it does not.
  release_trigger text check (release_trigger in ('branch_push', 'tag')),
  primary key (run_id, name)
);

-- A task is a project's turn in a phase, one of its artifacts, or its release.
alter table tasks
  add column kind text not null default 'task' check (kind in ('task', 'artifact', 'release')),
  add column artifact_name text;

-- What the artifact tasks of a run produced and published.
create table artifacts (
  id           uuid primary key,
  run_id       uuid not null references runs on delete cascade,
  task_id      uuid not null references tasks on delete cascade,
  repository   text not null,
  project      text not null,
  name         text not null,
  type         text not null check (type in ('container', 'binary', 'archive')),
  commit_sha   text not null,
  tracking_oci_uri      text not null,
  tracking_digest       text not null,
  primary_published_uri text not null,
  -- Of the content: "sha256:…".
  digest       text not null,
  size_bytes   bigint not null,
  -- Every place it was published to: [{publisher, type, uri, digest}].
  published    jsonb not null,
  created_at   timestamptz not null default now(),
  unique (run_id, project, name)
);
create index artifacts_of_task on artifacts (task_id);

-- The last number given in each project; raised in the transaction that stores the release.
create table release_counters (
  repository text not null,
  project    text not null,
  last       integer not null,
  primary key (repository, project)
) with (fillfactor = 50);

-- A release outlives its run, so nothing here refers to one by a key.
create table releases (
  id             uuid primary key,
  repository     text not null,
  project        text not null,
  commit_sha     text not null,
  release_number integer not null,
  run_id         uuid,
  oci_uri        text not null,
  oci_digest     text not null,
  trigger_type   text not null check (trigger_type in ('branch_push', 'tag', 'manual')),
  -- Branch, or refs/tags/x; null where nobody said.
  branch         text,
  triggered_by   text not null,
  created_by     text not null,
  -- What the commit's .forge says of environments (EnvironmentConfig[]); it may only tighten.
  environments   jsonb not null,
  -- Kubernetes manifests with every artifact resolved.
  resources      jsonb not null,
  created_at     timestamptz not null default now(),
  unique (repository, project, release_number),
  unique (repository, project, commit_sha)
);
create index releases_of_run on releases (run_id) where run_id is not null;

create table release_artifacts (
  release_id uuid not null references releases on delete cascade,
  position   integer not null,
  name       text not null,
  type       text not null check (type in ('container', 'binary', 'archive')),
  tracking_oci_uri      text not null,
  primary_published_uri text not null,
  primary key (release_id, position),
  unique (release_id, name)
);

-- The numeric alias is the release's number and has no row.
create table release_aliases (
  repository text not null,
  project    text not null,
  alias      text not null,
  alias_type text not null check (alias_type in ('tag', 'branch', 'custom')),
  release_id uuid not null references releases on delete cascade,
  created_by text not null,
  created_at timestamptz not null default now(),
  primary key (repository, project, alias)
);
create index release_aliases_of_release on release_aliases (release_id);

create table approvals (
  id            uuid primary key,
  release_id    uuid not null references releases on delete cascade,
  environment   text not null,
  approver      text not null,
  -- Stable id of the principal: people are counted by it.
  approver_id   text not null,
  -- Roles the approver had at that moment.
  roles         text[] not null,
  justification text not null,
  approved_at   timestamptz not null,
  expires_at    timestamptz not null,
  revoked_at    timestamptz,
  revoked_by    text
);
create index approvals_of_release on approvals (release_id, environment, approved_at desc);
create index approvals_newest on approvals (approved_at desc, id desc);

-- "ordinal" is dense in (environment, repository, project) and follows the order of the commits.
-- A row is "preparing", and hidden, until its commit is in the GitOps repository.
create table deployments (
  id                uuid primary key,
  release_id        uuid not null references releases on delete cascade,
  environment       text not null,
  repository        text not null,
  project           text not null,
  release_number    integer not null,
  status            text not null check (status in ('preparing', 'pending', 'active', 'superseded')),
  ordinal           bigint,
  -- Whether an older release than the one before was deployed.
  rollback          boolean not null default false,
  automatic         boolean not null default false,
  approval_ids      uuid[] not null default '{}',
  deployed_by       text not null,
  -- The process that is preparing it (a worker's id): its successor settles what it left.
  holder            uuid,
  gitops_commit_sha text,
  -- Why it is still pending; for people.
  reason            text,
  failed_at         timestamptz,
  created_at        timestamptz not null default now(),
  deployed_at       timestamptz,
  activated_at      timestamptz,
  superseded_at     timestamptz
);
create unique index deployments_history on deployments (environment, repository, project, ordinal desc)
  where ordinal is not null;
create unique index deployments_active on deployments (environment, repository, project)
  where status = 'active';
create index deployments_unsettled on deployments (status, created_at)
  where status in ('preparing', 'pending');
create index deployments_of_release on deployments (release_id);
-- Lists of what a token may see.
create index deployments_of_repository on deployments (repository, id desc);
-- A release is deployed automatically once to each environment.
create unique index deployments_automatic on deployments (release_id, environment) where automatic;

-- Embedded OCI store: blobs are in the object store under oci/blobs/sha256/<hex>, once for all repositories.
-- A row comes before its content, so that nothing is ever there that no row speaks of.
create table oci_blobs (
  repository text not null,
  digest     text not null,
  size_bytes bigint not null,
  stored     boolean not null default false,
  -- When somebody last made sure that it is there: what waits for its manifest is not collected.
  wanted_at  timestamptz not null default now(),
  primary key (repository, digest)
);
create index oci_blobs_by_digest on oci_blobs (digest);
create table oci_manifests (
  repository    text not null,
  digest        text not null,
  media_type    text not null,
  artifact_type text,
  subject       text,
  content       bytea not null,
  created_at    timestamptz not null default now(),
  primary key (repository, digest)
);
-- The blobs that a manifest needs; they stay as long as it does.
create table oci_manifest_blobs (
  repository text not null,
  blob       text not null,
  manifest   text not null,
  primary key (repository, blob, manifest),
  foreign key (repository, blob) references oci_blobs,
  foreign key (repository, manifest) references oci_manifests on delete cascade
);
create index oci_manifest_blobs_of_manifest on oci_manifest_blobs (repository, manifest);
create index oci_manifests_referrers on oci_manifests (repository, subject) where subject is not null;
create table oci_tags (
  repository text not null,
  tag        text not null,
  digest     text not null,
  updated_at timestamptz not null default now(),
  primary key (repository, tag),
  foreign key (repository, digest) references oci_manifests
);

-- How far each durable reader of the outbox has come.
create table event_consumers (
  name text primary key,
  seq  bigint not null
) with (fillfactor = 50);

alter table runs
  -- False: a fork's pull request that nobody let through; such a run gets no secrets.
  add column trusted boolean not null default true,
  -- When retention took its logs; the run itself stays longer.
  add column logs_deleted_at timestamptz;
create index runs_with_logs on runs (completed_at)
  where completed_at is not null and logs_deleted_at is null;

-- A release is asked for by a commit, also an abbreviated one.
create index runs_by_commit on runs (repository, commit_sha);

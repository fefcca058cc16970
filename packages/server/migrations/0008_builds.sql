-- Builds: custom packages and images from Git repositories, and what they are made with.

-- What a build is branded with. "replacement_rules" is a list of {pattern, replacement, use_regex, files}.
create table branding_templates (
  id                integer generated always as identity primary key,
  name              text not null unique,
  description       text,
  brand_name        text,
  replacement_rules jsonb not null default '[]',
  -- What is archived is in no list unless asked for, serves no new build, and may be deleted although builds used it.
  archived_at       timestamptz,
  created_by        text not null,
  created_at        timestamptz not null,
  updated_at        timestamptz not null
);

-- A file that branding copies into the tree; its bytes are an object of the store.
create table branding_assets (
  id           integer generated always as identity primary key,
  template_id  integer not null references branding_templates on delete cascade,
  asset_type   text not null check (asset_type in ('logo', 'favicon', 'theme', 'manifest', 'other')),
  file_name    text not null,
  target_path  text not null,
  content_type text not null,
  size_bytes   bigint not null,
  sha256       text not null,
  object_key   text not null,
  created_by   text not null,
  created_at   timestamptz not null,
  unique (template_id, target_path)
);

-- "settings" are keys and values; "targets" a list of {path, format} they are merged into.
create table configurations (
  id          integer generated always as identity primary key,
  name        text not null unique,
  description text,
  settings    jsonb not null default '{}',
  targets     jsonb not null default '[]',
  archived_at timestamptz,
  created_by  text not null,
  created_at  timestamptz not null,
  updated_at  timestamptz not null
);

-- Where images are pushed to; the login is a credential's.
create table container_registries (
  id            integer generated always as identity primary key,
  name          text not null unique,
  registry_type text not null
                check (registry_type in ('docker_hub', 'quay_io', 'aws_ecr', 'github', 'gitlab', 'generic')),
  -- host[:port], and the path that stands before an image's name there.
  registry_url  text not null,
  namespace     text,
  credential_id integer references credentials,
  description   text,
  is_verified   boolean not null default false,
  verification_message text,
  verified_at   timestamptz,
  archived_at   timestamptz,
  created_by    text not null,
  created_at    timestamptz not null,
  updated_at    timestamptz not null
);
create index container_registries_of_credential on container_registries (credential_id)
  where credential_id is not null;

alter table repositories add column archived_at timestamptz;

create table builds (
  id               integer generated always as identity primary key,
  status           text not null default 'pending'
                   check (status in ('pending', 'running', 'completed', 'failed')),
  failure_reason   text check (failure_reason in ('cancelled', 'step_failed', 'timeout', 'interrupted')),
  error            text,
  steps_to_execute text[] not null,
  -- Null: the official repository. What builds refer to may be deleted once it is archived, so a build
  -- also says by itself what it was made of.
  git_repository_id integer references repositories on delete set null,
  repository_info  jsonb not null,
  -- Who may see it: the name of the repository, for principals that are limited to some.
  repository       text not null,
  ref              text,
  commit_sha       text,
  output_type      text not null check (output_type in ('zip', 'docker_image', 'both')),
  registry_id      integer references container_registries on delete set null,
  branding_template_id integer references branding_templates on delete set null,
  configuration_id integer references configurations on delete set null,
  image_name       text,
  image_tag        text,
  build_args       jsonb not null default '{}',
  platforms        text[] not null default '{}',
  custom_parameters jsonb not null default '{}',
  -- The build that this one tries again.
  retry_of         integer references builds on delete set null,
  job_id           uuid,
  attempt          integer not null default 0,
  created_by       text not null,
  -- The documents' "started_at" is the moment of creation; the execution began at "executed_at".
  started_at       timestamptz not null,
  executed_at      timestamptz,
  completed_at     timestamptz,
  -- Whether what its dead attempts left in the object store has been removed.
  is_swept         boolean not null default false
);
create unique index builds_of_job on builds (job_id) where job_id is not null;
create index builds_to_sweep on builds (completed_at) where completed_at is not null and not is_swept;
create index builds_by_status on builds (status, id);
create index builds_by_repository on builds (repository, id);
create index builds_by_git_repository on builds (git_repository_id, id) where git_repository_id is not null;
create index builds_started on builds (started_at);
create index builds_of_registry on builds (registry_id) where registry_id is not null;
create index builds_of_template on builds (branding_template_id) where branding_template_id is not null;
create index builds_of_configuration on builds (configuration_id) where configuration_id is not null;

-- The steps of the newest attempt, in the order in which they run.
create table build_steps (
  build_id     integer not null references builds on delete cascade,
  position     integer not null,
  key          text not null,
  status       text not null default 'pending'
               check (status in ('pending', 'running', 'completed', 'failed', 'skipped')),
  -- Whole percent; null where a step can't tell.
  progress     integer check (progress between 0 and 100),
  started_at   timestamptz,
  completed_at timestamptz,
  primary key (build_id, key)
);

create table build_outputs (
  id              integer generated always as identity primary key,
  build_id        integer not null references builds on delete cascade,
  output_type     text not null check (output_type in ('zip', 'docker_image')),
  -- Of a ZIP: its key in the object store, and what it is called.
  object_key      text,
  file_name       text,
  file_size_bytes bigint,
  checksum_sha256 text,
  -- Of an image: its name, here or in a registry, its id at the engine and its digest in the registry.
  image_url       text,
  image_id        text,
  image_digest    text,
  image_size_bytes bigint,
  is_pushed       boolean not null default false,
  download_count  integer not null default 0,
  -- Null: never.
  expires_at      timestamptz,
  -- When its file or image was removed.
  cleaned_at      timestamptz,
  created_at      timestamptz not null
);
create index build_outputs_of_build on build_outputs (build_id, id);
create index build_outputs_expiry on build_outputs (expires_at) where cleaned_at is null and expires_at is not null;

// Generated from the migrated database by `npm run generate`. Do not edit.

import type { ColumnType, Generated, GeneratedAlways } from 'kysely'

export interface ApprovalsTable {
  id: string
  release_id: string
  environment: string
  approver: string
  approver_id: string
  roles: string[]
  justification: string
  approved_at: ColumnType<Date, Date | string, Date | string>
  expires_at: ColumnType<Date, Date | string, Date | string>
  revoked_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  revoked_by: string | null
}

export interface ArtifactsTable {
  id: string
  run_id: string
  task_id: string
  repository: string
  project: string
  name: string
  type: 'container' | 'binary' | 'archive'
  commit_sha: string
  tracking_oci_uri: string
  tracking_digest: string
  primary_published_uri: string
  digest: string
  size_bytes: number
  published: ColumnType<unknown, string, string>
  created_at: ColumnType<Date, Date | string | undefined, Date | string>
}

export interface AuditLogTable {
  id: GeneratedAlways<number>
  at: ColumnType<Date, Date | string | undefined, Date | string>
  actor: string
  action: string
  resource: string
  address: string
  outcome: number
  request_id: string
}

export interface BrandingAssetsTable {
  id: GeneratedAlways<number>
  template_id: number
  asset_type: 'logo' | 'favicon' | 'theme' | 'manifest' | 'other'
  file_name: string
  target_path: string
  content_type: string
  size_bytes: number
  sha256: string
  object_key: string
  created_by: string
  created_at: ColumnType<Date, Date | string, Date | string>
}

export interface BrandingTemplatesTable {
  id: GeneratedAlways<number>
  name: string
  description: string | null
  brand_name: string | null
  replacement_rules: ColumnType<unknown, string | undefined, string>
  archived_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  created_by: string
  created_at: ColumnType<Date, Date | string, Date | string>
  updated_at: ColumnType<Date, Date | string, Date | string>
}

export interface BuildOutputsTable {
  id: GeneratedAlways<number>
  build_id: number
  output_type: 'zip' | 'docker_image'
  object_key: string | null
  file_name: string | null
  file_size_bytes: number | null
  checksum_sha256: string | null
  image_url: string | null
  image_id: string | null
  image_digest: string | null
  image_size_bytes: number | null
  is_pushed: Generated<boolean>
  download_count: Generated<number>
  expires_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  cleaned_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  created_at: ColumnType<Date, Date | string, Date | string>
}

export interface BuildStepsTable {
  build_id: number
  position: number
  key: string
  status: Generated<'pending' | 'running' | 'completed' | 'failed' | 'skipped'>
  progress: number | null
  started_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  completed_at: ColumnType<Date | null, Date | string | null, Date | string | null>
}

export interface BuildsTable {
  id: GeneratedAlways<number>
  status: Generated<'pending' | 'running' | 'completed' | 'failed'>
  failure_reason: 'cancelled' | 'step_failed' | 'timeout' | 'interrupted' | null
  error: string | null
  steps_to_execute: string[]
  git_repository_id: number | null
  repository_info: ColumnType<unknown, string, string>
  repository: string
  ref: string | null
  commit_sha: string | null
  output_type: 'zip' | 'docker_image' | 'both'
  registry_id: number | null
  branding_template_id: number | null
  configuration_id: number | null
  image_name: string | null
  image_tag: string | null
  build_args: ColumnType<unknown, string | undefined, string>
  platforms: Generated<string[]>
  custom_parameters: ColumnType<unknown, string | undefined, string>
  retry_of: number | null
  job_id: string | null
  attempt: Generated<number>
  created_by: string
  started_at: ColumnType<Date, Date | string, Date | string>
  executed_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  completed_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  is_swept: Generated<boolean>
}

export interface ConfigurationsTable {
  id: GeneratedAlways<number>
  name: string
  description: string | null
  settings: ColumnType<unknown, string | undefined, string>
  targets: ColumnType<unknown, string | undefined, string>
  archived_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  created_by: string
  created_at: ColumnType<Date, Date | string, Date | string>
  updated_at: ColumnType<Date, Date | string, Date | string>
}

export interface ContainerRegistriesTable {
  id: GeneratedAlways<number>
  name: string
  registry_type: 'docker_hub' | 'quay_io' | 'aws_ecr' | 'github' | 'gitlab' | 'generic'
  registry_url: string
  namespace: string | null
  credential_id: number | null
  description: string | null
  is_verified: Generated<boolean>
  verification_message: string | null
  verified_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  archived_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  created_by: string
  created_at: ColumnType<Date, Date | string, Date | string>
  updated_at: ColumnType<Date, Date | string, Date | string>
}

export interface CredentialsTable {
  id: number
  name: string
  credential_type: string
  sealed: Buffer
  metadata: ColumnType<unknown, string, string>
  expires_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  created_by: string
  created_at: ColumnType<Date, Date | string, Date | string>
  updated_at: ColumnType<Date, Date | string, Date | string>
}

export interface DelegationCountsTable {
  repository: string
  status: string
  day: number
  count: number
}

export interface DelegationFiguresTable {
  figure: 'ended' | 'duration' | 'queue' | 'start'
  label: string
  bucket: number
  count: number
  sum: number
}

export interface DelegationsTable {
  id: string
  job_ref: string
  github_job_id: number | null
  job_name: string | null
  github_run_id: string
  run_attempt: Generated<number>
  repository: string
  workflow: string | null
  proxy_runner: string | null
  sha: string | null
  ref: string | null
  event_name: string | null
  actor: string | null
  labels: Generated<string[]>
  source: 'queue' | 'proxy' | 'api'
  class: string | null
  status: Generated<'queued' | 'assigned' | 'running' | 'completed' | 'failed' | 'cancelled'>
  reason: string | null
  definition: ColumnType<unknown, string | null, string | null>
  runner_id: string | null
  container_id: string | null
  exit_code: number | null
  ledger_job_id: string | null
  attempt: Generated<number>
  log_key: string
  logs_deleted_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  proxy_status: string | null
  proxy_completed_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  queued_at: ColumnType<Date, Date | string, Date | string>
  created_by: string
  created_at: ColumnType<Date, Date | string, Date | string>
  assigned_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  started_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  completed_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  updated_at: ColumnType<Date, Date | string, Date | string>
  measured: Generated<number>
  home: string | null
  sought_at: ColumnType<Date | null, Date | string | null, Date | string | null>
}

export interface DeploymentsTable {
  id: string
  release_id: string
  environment: string
  repository: string
  project: string
  release_number: number
  status: 'preparing' | 'pending' | 'active' | 'superseded'
  ordinal: number | null
  rollback: Generated<boolean>
  automatic: Generated<boolean>
  approval_ids: Generated<string[]>
  deployed_by: string
  holder: string | null
  gitops_commit_sha: string | null
  reason: string | null
  failed_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  created_at: ColumnType<Date, Date | string | undefined, Date | string>
  deployed_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  activated_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  superseded_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  origin: string | null
}

export interface EventConsumersTable {
  name: string
  seq: number
}

export interface EventSequenceTable {
  only: Generated<boolean>
  last: number
}

export interface EventsTable {
  id: GeneratedAlways<number>
  seq: number | null
  event_type: string
  repository: string | null
  run_id: string | null
  occurred_at: ColumnType<Date, Date | string, Date | string>
  data: ColumnType<unknown, string, string>
  origin: string | null
}

export interface GithubDeliveriesTable {
  number: GeneratedAlways<number>
  delivery_id: string
  body_sha256: Buffer
  event: string
  repository: string | null
  wanted: ColumnType<unknown, string | null, string | null>
  status: 'pending' | 'done' | 'ignored' | 'failed'
  note: string | null
  run_id: string | null
  attempt: Generated<number>
  next_attempt_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  received_at: ColumnType<Date, Date | string, Date | string>
}

export interface GithubDeploymentsTable {
  deployment_id: string
  github_id: number
  state: string | null
}

export interface GithubPullRequestsTable {
  id: string
  ordinal: GeneratedAlways<number>
  repository: string
  number: number
  title: string
  author: string
  head_repository: string | null
  head_ref: string
  commit_sha: string
  status: 'waiting' | 'approved' | 'superseded' | 'closed'
  received_at: ColumnType<Date, Date | string, Date | string>
  decided_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  decided_by: string | null
  run_id: string | null
}

export interface GithubReportsTable {
  repository: string
  kind: 'commit' | 'deployment' | 'release'
  subject: string
  version: Generated<number>
  attempt: Generated<number>
  next_attempt_at: ColumnType<Date, Date | string, Date | string>
  since: ColumnType<Date, Date | string, Date | string>
  last_error: string | null
  origin: string | null
}

export interface JobHistoryTable {
  id: string
  type: string
  subject: string
  run_id: string | null
  payload: ColumnType<unknown, string, string>
  state: string
  attempt: number
  worker_id: string | null
  result: ColumnType<unknown, string | null, string | null>
  error: string | null
  created_at: ColumnType<Date, Date | string, Date | string>
  started_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  finished_at: ColumnType<Date, Date | string, Date | string>
  origin: string | null
}

export interface JobsTable {
  id: string
  type: string
  subject: string
  run_id: string | null
  payload: ColumnType<unknown, string, string>
  state: Generated<'queued' | 'running' | 'succeeded' | 'failed' | 'dead' | 'cancelled'>
  attempt: Generated<number>
  max_attempts: Generated<number>
  timeout_ms: number
  run_at: ColumnType<Date, Date | string | undefined, Date | string>
  deadline_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  worker_id: string | null
  result: ColumnType<unknown, string | null, string | null>
  error: string | null
  created_at: ColumnType<Date, Date | string | undefined, Date | string>
  started_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  finished_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  origin: string | null
}

export interface LeasesTable {
  name: string
  holder: string
  expires_at: ColumnType<Date, Date | string, Date | string>
}

export interface LiveLogsTable {
  key: string
  home: string | null
  since: ColumnType<Date, Date | string | undefined, Date | string>
}

export interface MonitoredRepositoriesTable {
  id: GeneratedAlways<number>
  full_name: string
  github_id: number | null
  default_branch: string | null
  source: 'configured' | 'detected' | 'read' | 'webhook'
  lost_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  runs_etag: string | null
  polled_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  poll_error: string | null
  complete_since: ColumnType<Date | null, Date | string | null, Date | string | null>
  runs_version: Generated<number>
  jobs_version: Generated<number>
  created_at: ColumnType<Date, Date | string | undefined, Date | string>
}

export interface NewestWorkflowRunsTable {
  repository_id: number
  workflow_id: number
  branch: string
  run_id: number
  created_at: ColumnType<Date, Date | string, Date | string>
  started_at: ColumnType<Date, Date | string, Date | string>
  status: string
}

export interface OciBlobsTable {
  repository: string
  digest: string
  size_bytes: number
  stored: Generated<boolean>
  wanted_at: ColumnType<Date, Date | string | undefined, Date | string>
}

export interface OciManifestBlobsTable {
  repository: string
  blob: string
  manifest: string
}

export interface OciManifestsTable {
  repository: string
  digest: string
  media_type: string
  artifact_type: string | null
  subject: string | null
  content: Buffer
  created_at: ColumnType<Date, Date | string | undefined, Date | string>
}

export interface OciTagsTable {
  repository: string
  tag: string
  digest: string
  updated_at: ColumnType<Date, Date | string | undefined, Date | string>
}

export interface PhasesTable {
  id: string
  run_id: string
  position: number
  name: string
  group_number: number
  timeout_ms: number
  status: Generated<'pending' | 'running' | 'success' | 'failed' | 'skipped'>
  started_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  completed_at: ColumnType<Date | null, Date | string | null, Date | string | null>
}

export interface QueueJobsTable {
  github_job_id: number
  repository: string
  github_run_id: string
  run_attempt: number
  name: string
  workflow: string
  sha: string
  branch: string
  event_name: string
  actor: string
  labels: string[]
  state: 'waiting' | 'queued' | 'in_progress' | 'completed'
  conclusion: string | null
  runner_name: string | null
  queued_at: ColumnType<Date, Date | string, Date | string>
  confirmed_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  updated_at: ColumnType<Date, Date | string, Date | string>
}

export interface ReleaseAliasesTable {
  repository: string
  project: string
  alias: string
  alias_type: 'tag' | 'branch' | 'custom'
  release_id: string
  created_by: string
  created_at: ColumnType<Date, Date | string | undefined, Date | string>
}

export interface ReleaseArtifactsTable {
  release_id: string
  position: number
  name: string
  type: 'container' | 'binary' | 'archive'
  tracking_oci_uri: string
  primary_published_uri: string
}

export interface ReleaseCountersTable {
  repository: string
  project: string
  last: number
}

export interface ReleasesTable {
  id: string
  repository: string
  project: string
  commit_sha: string
  release_number: number
  run_id: string | null
  oci_uri: string
  oci_digest: string
  trigger_type: 'branch_push' | 'tag' | 'manual'
  branch: string | null
  triggered_by: string
  created_by: string
  environments: ColumnType<unknown, string, string>
  resources: ColumnType<unknown, string, string>
  created_at: ColumnType<Date, Date | string | undefined, Date | string>
}

export interface RepositoriesTable {
  id: GeneratedAlways<number>
  name: string
  repository_url: string
  credential_id: number | null
  default_branch: string | null
  description: string | null
  is_verified: Generated<boolean>
  verification_message: string | null
  verified_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  host_keys: string | null
  created_by: string
  created_at: ColumnType<Date, Date | string, Date | string>
  updated_at: ColumnType<Date, Date | string, Date | string>
  archived_at: ColumnType<Date | null, Date | string | null, Date | string | null>
}

export interface RetentionPassesTable {
  part: string
  ended_at: ColumnType<Date, Date | string, Date | string>
  removed: number
}

export interface RetentionTimesTable {
  kind: 'runs' | 'logs' | 'jobs' | 'events'
  kept_ms: number
  changed_by: string
  changed_at: ColumnType<Date, Date | string | undefined, Date | string>
}

export interface RunConfigurationsTable {
  run_id: string
  repository: ColumnType<unknown, string, string>
}

export interface RunDispatchesTable {
  id: string
  run_id: string
  stage: string
  group_number: number | null
  job_id: string | null
  created_at: ColumnType<Date, Date | string | undefined, Date | string>
}

export interface RunOrdinalsTable {
  repository: string
  branch: string
  first: Generated<number>
  last: Generated<number>
}

export interface RunProjectsTable {
  run_id: string
  position: number
  name: string
  path: string
  config: ColumnType<unknown, string, string>
  release_trigger: 'branch_push' | 'tag' | null
}

export interface RunWorkflowsTable {
  run_id: string
  name: string
  uid: string | null
  state: Generated<'waiting' | 'running' | 'ended'>
  message: string | null
  failures: Generated<number>
  next_attempt_at: ColumnType<Date, Date | string | undefined, Date | string>
  updated_at: ColumnType<Date, Date | string | undefined, Date | string>
}

export interface RunnerProblemsTable {
  repository: string
  message: string
  failures: number
  until: ColumnType<Date, Date | string, Date | string>
}

export interface RunnersTable {
  id: string
  name: string
  type: 'proxy' | 'ephemeral' | 'dedicated'
  status: 'idle' | 'busy' | 'offline' | 'starting' | 'stopping'
  labels: Generated<string[]>
  repository: string | null
  github_id: number | null
  class: string | null
  delegation_id: string | null
  container_id: string | null
  last_heartbeat: ColumnType<Date, Date | string, Date | string>
  created_at: ColumnType<Date, Date | string, Date | string>
  updated_at: ColumnType<Date, Date | string, Date | string>
}

export interface RunsTable {
  id: string
  repository: string
  branch: string
  commit_sha: string
  status: Generated<'pending' | 'running' | 'success' | 'failed' | 'cancelled'>
  trigger_type: string
  triggered_by: string
  message: string | null
  problems: ColumnType<unknown, string | null, string | null>
  failed_phase: string | null
  repository_ordinal: number
  branch_ordinal: number
  started_at: ColumnType<Date, Date | string | undefined, Date | string>
  completed_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  trusted: Generated<boolean>
  logs_deleted_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  orchestrator: Generated<'server' | 'argo'>
  released_group: number | null
}

export interface SearchDocumentsTable {
  id: GeneratedAlways<number>
  kind: 'run' | 'release' | 'log'
  repository: string
  run_id: string | null
  release_id: string | null
  step_id: string | null
  log_key: string | null
  first_line: number | null
  line_count: number | null
  at: ColumnType<Date, Date | string, Date | string>
  words: string
}

export interface SecretsTable {
  id: string
  scope: string
  name: string
  sealed: Buffer
  created_by: string
  created_at: ColumnType<Date, Date | string, Date | string>
  updated_by: string
  updated_at: ColumnType<Date, Date | string, Date | string>
}

export interface ServersTable {
  id: string
  name: string
  home: string
  url: string | null
  version: string
  key_fingerprint: string
  gitops: string
  objects: string
  started_at: ColumnType<Date, Date | string | undefined, Date | string>
  last_seen_at: ColumnType<Date, Date | string | undefined, Date | string>
}

export interface SessionsTable {
  id: string
  secret_sha256: Buffer
  method: 'oidc' | 'token'
  principal_id: string
  principal_name: string
  sealed: Buffer
  bearer_expires_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  renewing_until: ColumnType<Date | null, Date | string | null, Date | string | null>
  created_at: ColumnType<Date, Date | string, Date | string>
  expires_at: ColumnType<Date, Date | string, Date | string>
  ends_at: ColumnType<Date, Date | string, Date | string>
}

export interface StepsTable {
  id: string
  run_id: string
  task_id: string
  attempt: Generated<number>
  position: number
  name: string
  definition: ColumnType<unknown, string, string>
  status: Generated<'pending' | 'running' | 'success' | 'failed'>
  exit_code: number | null
  error: string | null
  log_key: string
  started_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  completed_at: ColumnType<Date | null, Date | string | null, Date | string | null>
}

export interface TaskAttemptsTable {
  task_id: string
  attempt: number
  worker_id: string | null
  started_at: ColumnType<Date, Date | string | undefined, Date | string>
  ended_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  outcome: 'success' | 'failed' | 'lost' | null
  error: string | null
}

export interface TasksTable {
  id: string
  run_id: string
  phase_id: string
  position: number
  project_name: string
  project_path: string
  status: Generated<'pending' | 'running' | 'success' | 'failed'>
  error: string | null
  job_id: string | null
  attempt: Generated<number>
  started_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  completed_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  kind: Generated<'task' | 'artifact' | 'release'>
  artifact_name: string | null
}

export interface TicketsTable {
  secret_sha256: Buffer
  principal: ColumnType<unknown, string, string>
  expires_at: ColumnType<Date, Date | string, Date | string>
}

export interface TokensTable {
  id: string
  name: string
  secret_sha256: Buffer
  roles: string[]
  repositories: string[] | null
  created_by: string
  created_at: ColumnType<Date, Date | string | undefined, Date | string>
  expires_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  last_used_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  revoked_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  exchanged_for: string | null
}

export interface WebhookAttemptsTable {
  delivery_id: string
  attempt: number
  started_at: ColumnType<Date, Date | string, Date | string>
  duration_ms: number | null
  response_status: number | null
  response_excerpt: string | null
  error: string | null
}

export interface WebhookDeliveriesTable {
  id: string
  number: GeneratedAlways<number>
  webhook_id: string
  message_id: string
  redelivery_of: string | null
  event_seq: number | null
  event_type: string
  repository: string | null
  body: string
  status: Generated<'pending' | 'delivered' | 'dead'>
  attempt: Generated<number>
  next_attempt_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  created_at: ColumnType<Date, Date | string, Date | string>
  completed_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  origin: string | null
}

export interface WebhooksTable {
  id: string
  url: string
  events: string[] | null
  repositories: string[] | null
  description: string | null
  enabled: Generated<boolean>
  disabled_reason: string | null
  secret: Buffer
  previous_secret: Buffer | null
  previous_secret_until: ColumnType<Date | null, Date | string | null, Date | string | null>
  dead_in_row: Generated<number>
  failing_since: ColumnType<Date | null, Date | string | null, Date | string | null>
  created_by: string
  created_at: ColumnType<Date, Date | string, Date | string>
  updated_at: ColumnType<Date, Date | string, Date | string>
}

export interface WorkersTable {
  id: string
  name: string
  home: string
  types: string[]
  capacity: number
  started_at: ColumnType<Date, Date | string | undefined, Date | string>
  last_seen_at: ColumnType<Date, Date | string | undefined, Date | string>
  principal: string | null
  principal_name: string | null
  version: string | null
  draining: Generated<boolean>
}

export interface WorkflowJobsTable {
  id: number
  repository_id: number
  run_id: number
  attempt: number
  name: string
  status: 'pending' | 'running' | 'success' | 'failure'
  github_status: string
  conclusion: string | null
  created_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  started_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  completed_at: ColumnType<Date | null, Date | string | null, Date | string | null>
  runner_name: string | null
  labels: Generated<string[]>
  steps: ColumnType<unknown, string | undefined, string>
}

export interface WorkflowRunAttemptsTable {
  run_id: number
  attempt: number
  conclusion: string | null
  started_at: ColumnType<Date, Date | string, Date | string>
  completed_at: ColumnType<Date | null, Date | string | null, Date | string | null>
}

export interface WorkflowRunsTable {
  id: number
  repository_id: number
  workflow_id: number
  workflow_name: string
  workflow_path: string | null
  run_number: number
  attempt: number
  event: string
  branch: string
  commit_sha: string
  commit_message: string
  actor: string
  url: string
  status: 'pending' | 'running' | 'success' | 'failure'
  github_status: string
  conclusion: string | null
  created_at: ColumnType<Date, Date | string, Date | string>
  run_started_at: ColumnType<Date, Date | string, Date | string>
  updated_at: ColumnType<Date, Date | string, Date | string>
  duration: number | null
  jobs_complete: Generated<boolean>
  artifacts: ColumnType<unknown, string | null, string | null>
}

export interface WorkflowsTable {
  id: number
  repository_id: number
  name: string
  path: string
  state: string
  updated_at: ColumnType<Date, Date | string, Date | string>
}

/** Every table of the database, by its name. */
export interface Tables {
  approvals: ApprovalsTable
  artifacts: ArtifactsTable
  audit_log: AuditLogTable
  branding_assets: BrandingAssetsTable
  branding_templates: BrandingTemplatesTable
  build_outputs: BuildOutputsTable
  build_steps: BuildStepsTable
  builds: BuildsTable
  configurations: ConfigurationsTable
  container_registries: ContainerRegistriesTable
  credentials: CredentialsTable
  delegation_counts: DelegationCountsTable
  delegation_figures: DelegationFiguresTable
  delegations: DelegationsTable
  deployments: DeploymentsTable
  event_consumers: EventConsumersTable
  event_sequence: EventSequenceTable
  events: EventsTable
  github_deliveries: GithubDeliveriesTable
  github_deployments: GithubDeploymentsTable
  github_pull_requests: GithubPullRequestsTable
  github_reports: GithubReportsTable
  job_history: JobHistoryTable
  jobs: JobsTable
  leases: LeasesTable
  live_logs: LiveLogsTable
  monitored_repositories: MonitoredRepositoriesTable
  newest_workflow_runs: NewestWorkflowRunsTable
  oci_blobs: OciBlobsTable
  oci_manifest_blobs: OciManifestBlobsTable
  oci_manifests: OciManifestsTable
  oci_tags: OciTagsTable
  phases: PhasesTable
  queue_jobs: QueueJobsTable
  release_aliases: ReleaseAliasesTable
  release_artifacts: ReleaseArtifactsTable
  release_counters: ReleaseCountersTable
  releases: ReleasesTable
  repositories: RepositoriesTable
  retention_passes: RetentionPassesTable
  retention_times: RetentionTimesTable
  run_configurations: RunConfigurationsTable
  run_dispatches: RunDispatchesTable
  run_ordinals: RunOrdinalsTable
  run_projects: RunProjectsTable
  run_workflows: RunWorkflowsTable
  runner_problems: RunnerProblemsTable
  runners: RunnersTable
  runs: RunsTable
  search_documents: SearchDocumentsTable
  secrets: SecretsTable
  servers: ServersTable
  sessions: SessionsTable
  steps: StepsTable
  task_attempts: TaskAttemptsTable
  tasks: TasksTable
  tickets: TicketsTable
  tokens: TokensTable
  webhook_attempts: WebhookAttemptsTable
  webhook_deliveries: WebhookDeliveriesTable
  webhooks: WebhooksTable
  workers: WorkersTable
  workflow_jobs: WorkflowJobsTable
  workflow_run_attempts: WorkflowRunAttemptsTable
  workflow_runs: WorkflowRunsTable
  workflows: WorkflowsTable
}

// Words and limits of the contract for programs that need no schema of it, as the command line does when it starts:
// nothing here loads the library of schemas.

/**
 * Codes an application error may carry. The first six are the document's
 * "Common Error Codes"; the others name refusals that the document describes
 * without a code of their own.
 */
export const errorCodes = {
  invalid_request: 400,
  authentication_failed: 401,
  authorization_failed: 403,
  resource_not_found: 404,
  method_not_allowed: 405,
  resource_conflict: 409,
  gone: 410,
  payload_too_large: 413,
  unsupported_media_type: 415,
  limit_exceeded: 429,
  internal_error: 500,
  unavailable: 503,
} as const satisfies Record<string, number>

/** What a build may be asked to do, in the order in which it is done. */
export const buildStepKeys = [
  'clone_repo',
  'apply_branding',
  'apply_config',
  'create_zip',
  'build_image',
  'push_registry',
] as const

/** What an asset of a branding template may be. */
export const assetTypes = ['logo', 'favicon', 'theme', 'manifest', 'other'] as const

/** Bytes and numbers that a branding template may have of each. */
export const brandingLimits = {
  rules: 200,
  patternLength: 2_000,
  replacementLength: 10_000,
  globs: 50,
  globLength: 500,
  assets: 50,
  /** Of one file. */
  assetBytes: 5 * 1024 * 1024,
  /** Of one that is judged by reading it as a whole: JSON, CSS and SVG. */
  textAssetBytes: 1024 * 1024,
  /** Of all files of a template. */
  templateBytes: 25 * 1024 * 1024,
} as const

/** What a registry is, and where it is unless `registry_url` says otherwise; null: it has to say. */
export const registryAddresses = {
  docker_hub: 'docker.io',
  quay_io: 'quay.io',
  aws_ecr: null,
  github: 'ghcr.io',
  gitlab: 'registry.gitlab.com',
  generic: null,
} as const satisfies Record<string, string | null>

/** What each type of credential is for, in words. */
export const credentialTypes = {
  git_https: 'A user name and a password or token for Git over https',
  git_ssh: 'A private key for Git over ssh',
  registry_docker_hub: 'Docker Hub',
  registry_aws_ecr: 'Amazon Elastic Container Registry',
  registry_quay_io: 'Quay',
  registry_generic: 'Any other container registry',
} as const

/** Items of one request of the batch operations at most. */
export const maxBatchItems = 100

/** Roles a token may carry, from the least on; the last two are of machines. */
export const roles = [
  'viewer',
  'developer',
  'approver',
  'operator',
  'admin',
  'service-account',
  'worker',
] as const

import { expiryBounds } from './check-format.ts'
import type { EnvironmentConfig, PhaseConfig, PublisherConfig, RepositoryConfig } from './config.ts'
import { parseDuration } from './duration.ts'
import { asRecord } from './raw.ts'
import type { RepositoryFile } from './schema/repository-file.ts'

/** Time limit of a phase that names none. */
const defaultPhaseTimeoutMs = 30 * 60_000

/** A repository file, after all checks, with its defaults. */
export function normaliseRepository(value: unknown, file: string): RepositoryConfig {
  const written = value as RepositoryFile
  return {
    file,
    forgeVersion: String(written.forgeVersion ?? '1'),
    tagging: { strategy: written.tagging?.strategy ?? 'monorepo' },
    phases: Object.entries(written.phases ?? {}).map(normalisePhase),
    publishers: Object.entries(written.publishers ?? {}).map(normalisePublisher),
    environments: Object.entries(written.environments ?? {}).map(normaliseEnvironment),
  }
}

type Entry<Key extends 'phases' | 'environments'> = [
  string,
  NonNullable<RepositoryFile[Key]>[string],
]

function normalisePhase([name, phase]: Entry<'phases'>): PhaseConfig {
  return {
    name,
    group: phase.group ?? 1,
    description: phase.description ?? null,
    timeoutMs: phase.timeout === undefined ? defaultPhaseTimeoutMs : parseDuration(phase.timeout),
    required: phase.required ?? false,
  }
}

/** A publisher, after all checks; whatever is not for every type goes into `with`. */
export function normalisePublisher([name, publisher]: [string, unknown]): PublisherConfig {
  const { type, credentials, ...rest } = asRecord(publisher)
  return {
    name,
    type: String(type),
    credentials: typeof credentials === 'string' ? credentials : null,
    with: rest,
  }
}

function normaliseEnvironment([name, environment]: Entry<'environments'>): EnvironmentConfig {
  const { approval, branches, triggers, autoDeploy, logRetention } = environment
  return {
    name,
    approval: {
      required: approval?.required ?? null,
      approvals: approval?.approvals ?? null,
      roles: approval?.roles ?? null,
      expiresMs:
        approval?.expires === undefined ? null : parseDuration(approval.expires, expiryBounds),
      selfApproval: approval?.selfApproval ?? null,
    },
    branches: branches ?? null,
    triggers: triggers ?? null,
    autoDeploy: autoDeploy ?? null,
    logRetentionDays: logRetention ?? null,
  }
}

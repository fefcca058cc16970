import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { JobClaim } from '../jobs/index.ts'
import {
  locateRepository,
  type RepositoriesDeps,
  type RepositoryLocation,
} from '../repositories/index.ts'
import { readStepSecrets, type StepSecretsDeps } from '../secrets/index.ts'

/** What a run's steps may be given of the secrets that they ask for. */
export interface RunSecrets {
  /** By name; what is not defined is absent. */
  values: Record<string, string>
  /** Why the run is given none, in one sentence; null: it is. */
  refusal: string | null
}

/**
 * Where the repository of a job's run is and how to get in, told to whoever holds the job alone: a
 * `resource_conflict` says that it is another's by now.
 */
export async function locateRunRepository(
  deps: Omit<RepositoriesDeps, 'accessDirectory'>,
  input: { claim: JobClaim },
): Promise<RepositoryLocation> {
  const { repository } = await runOfClaim(deps, input.claim)
  return locateRepository(deps, { repository })
}

/**
 * The secrets of a job's run, likewise. A run that is not trusted, such as that of a pull request from a
 * fork, is given none: whoever wrote its commit could read them.
 */
export async function readRunSecrets(
  deps: StepSecretsDeps,
  input: { claim: JobClaim; names: readonly string[] },
): Promise<RunSecrets> {
  const { repository, trusted } = await runOfClaim(deps, input.claim)
  if (!trusted) {
    const refusal =
      'This run is of a commit from outside of the repository, and is given no secrets'
    return { values: {}, refusal }
  }
  const names = [...new Set(input.names)]
  return { values: await readStepSecrets(deps, { repository, names }), refusal: null }
}

async function runOfClaim(
  { db }: { db: Kysely<Tables> },
  claim: JobClaim,
): Promise<{ repository: string; trusted: boolean }> {
  const { rows } = await sql<{ repository: string; trusted: boolean }>`
    select r.repository, r.trusted from jobs j join runs r on r.id = j.run_id
     where j.id = ${claim.id}::uuid and j.attempt = ${claim.attempt} and j.state = 'running'
       and j.worker_id = ${claim.workerId}::uuid`.execute(db)
  const [run] = rows
  if (run === undefined) {
    throw new AppError('resource_conflict', 'The job is no longer this worker’s')
  }
  return run
}

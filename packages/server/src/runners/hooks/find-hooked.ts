import { AppError } from '../../errors.ts'
import type { Principal } from '../../ports/identity.ts'
import type { Definition, RunDefinition } from '../define-run.ts'
import { type DelegationRow, findDelegation } from '../delegation-rows.ts'
import { hasEnded } from '../delegation-states.ts'
import type { HookDeps } from './deps.ts'

/** A job whose container idles for the hooks of a proxy. */
export interface HookedJob {
  row: DelegationRow
  /** Null before it is assigned. */
  run: RunDefinition | null
}

/** The same once its container runs. */
export interface RunningJob {
  id: string
  repository: string
  containerId: string
  run: RunDefinition
}

/**
 * A delegation whose steps the principal may run: one that it has asked for itself, with a container that
 * idles. `resource_not_found` or `authorization_failed` otherwise.
 */
export async function findHooked(
  deps: Pick<HookDeps, 'db'>,
  input: { principal: Principal; id: string },
): Promise<HookedJob> {
  const row = await findDelegation(deps, input)
  const { container, run } = row.definition as Definition
  if (container === null) {
    throw new AppError('resource_conflict', 'The container of this job runs its own command')
  }
  if (row.created_by !== input.principal.name) {
    throw new AppError('authorization_failed', 'Only who delegated this job may run its steps')
  }
  return { row, run }
}

/** The same where its container runs; a `resource_conflict` says how it stands otherwise. */
export async function findRunning(
  deps: Pick<HookDeps, 'db' | 'owner'>,
  input: { principal: Principal; id: string },
): Promise<RunningJob> {
  const { row, run } = await findHooked(deps, input)
  return asRunning(deps, row, run)
}

export function asRunning(
  { owner }: Pick<HookDeps, 'owner'>,
  row: DelegationRow,
  run: RunDefinition | null,
): RunningJob {
  if (hasEnded(row.status)) {
    const why = row.reason === null ? '' : `: ${row.reason}`
    throw new AppError('resource_conflict', `The job has ended as ${row.status}${why}`)
  }
  if (row.status !== 'running' || run === null || row.container_id === null) {
    throw new AppError('resource_conflict', `The job is ${row.status}: its container does not run`)
  }
  if (row.home !== null && row.home !== owner) {
    throw new AppError(
      'resource_conflict',
      'The container of this job runs on another machine, which hooks do not reach: leave jobs of type delegation to the server that they ask (SLIPWAY_WORKER_TYPES)',
    )
  }
  return { id: row.id, repository: row.repository, containerId: row.container_id, run }
}

import { sql } from 'kysely'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { isSameRelease, releaseOf } from './is-same-release.ts'
import type { LedgerDeps } from './job-owners.ts'
import { type Registration, registerWorker, type WorkerIdentity } from './register-worker.ts'
import { releaseDeadHome } from './release-workers.ts'

export interface AdmitDeps extends LedgerDeps {
  /** Of this server. */
  serverVersion: string
}

/** A worker that comes by the API says which program it is. */
export type RemoteIdentity = WorkerIdentity & { version: string }

/**
 * Registers a worker of another machine that has just started: it owns its data directory, so earlier
 * workers of that are dead, and what they held is free. `authorization_failed` for tokens that may not
 * be a worker's, `resource_conflict` for a worker of another release.
 */
export async function admitWorker(
  deps: AdmitDeps,
  input: { principal: Principal; worker: RemoteIdentity },
): Promise<Registration> {
  const { principal, worker } = input
  requireAllRepositories(principal)
  if (!isSameRelease(worker.version, deps.serverVersion)) throw otherRelease(deps, worker)
  const { home, id: workerId } = worker
  await releaseDeadHome(deps, { home, workerId, principalId: principal.id })
  return registerWorker(deps, worker, principal)
}

/**
 * Takes a heartbeat. A worker that was given up is registered anew. One of another release than this
 * server, which was upgraded meanwhile, may end what it has in hand and takes no more.
 */
export async function renewWorker(
  deps: AdmitDeps,
  input: { principal: Principal; worker: RemoteIdentity },
): Promise<Registration> {
  const { principal, worker } = input
  requireAllRepositories(principal)
  const isOld = !isSameRelease(worker.version, deps.serverVersion)
  if (isOld && !(await isRegistered(deps, worker.id))) throw otherRelease(deps, worker)
  const registration = await registerWorker(deps, worker, principal)
  return { ...registration, draining: registration.draining || isOld }
}

/** Jobs come from all repositories, with their secrets. */
function requireAllRepositories(principal: Principal): void {
  if (principal.repositories === null) return
  throw new AppError(
    'authorization_failed',
    'A worker needs a token that is not limited to repositories',
  )
}

function otherRelease({ serverVersion }: AdmitDeps, { version }: RemoteIdentity): AppError {
  return new AppError(
    'resource_conflict',
    `This worker is of version ${version} and the server of ${serverVersion}: a worker has to be of the server’s release, ${releaseOf(serverVersion)}`,
    { reason: 'version', server_version: serverVersion, worker_version: version },
  )
}

async function isRegistered({ db }: LedgerDeps, id: string): Promise<boolean> {
  const { rows } = await sql`select from workers where id = ${id}::uuid`.execute(db)
  return rows.length === 1
}

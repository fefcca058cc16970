import type { RegisteredWorker, WorkerSettings } from '@slipway/contract/worker-api'
import { AppError } from '../errors.ts'
import { isSameRelease, type Registration, releaseOf, type WorkerIdentity } from '../jobs/index.ts'
import type { WorkerClient } from './http/open-worker-client.ts'
import { workerPath } from './paths.ts'

/** Milliseconds that a heartbeat may take; the next one comes soon. */
const beatMs = 10_000

/** The coming and going of one worker. */
export interface RemoteRegistration {
  /** The first time, as one that has just started and owns its data directory. */
  register(worker: WorkerIdentity): Promise<Registration>
  /** What it has to know of the server. */
  settings(): Promise<WorkerSettings>
  leave(): Promise<void>
}

/**
 * Registers a worker with its server. Rejects with what the server has against it, and with a
 * `resource_conflict` where the server is of another release.
 */
export function registerRemotely(
  client: WorkerClient,
  own: { workerId: string; version: string },
): RemoteRegistration {
  const { workerId, version } = own
  let isRegistered = false
  return {
    async register({ id, name, home, types, capacity }) {
      const body = { name: name.slice(0, 200), home, types, capacity, version }
      const options = { answerMs: beatMs, repeat: 'never' } as const
      const answer = isRegistered
        ? await client.ask<RegisteredWorker>('PUT', workerPath(id), { body, ...options })
        : await client.ask<RegisteredWorker>('POST', '/v1/workers', {
            body: { id, ...body },
            ...options,
          })
      isRegistered = true
      const { known, draining, server_version: serverVersion } = answer
      // A server of before may not have looked.
      const isOther = !isSameRelease(version, serverVersion)
      if (isOther && !known) throw otherRelease(version, serverVersion)
      return { known, draining: draining || isOther }
    },
    settings: () => client.ask('GET', `${workerPath(workerId)}/settings`, { repeat: 'always' }),
    async leave() {
      await client.ask('DELETE', workerPath(workerId), { answerMs: beatMs, repeat: 'never' })
    },
  }
}

function otherRelease(version: string, serverVersion: string): AppError {
  return new AppError(
    'resource_conflict',
    `The server is of version ${serverVersion} and this worker of ${version}: a worker has to be of the server’s release, ${releaseOf(serverVersion)}`,
    { reason: 'version' },
  )
}

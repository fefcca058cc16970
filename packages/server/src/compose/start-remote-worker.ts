import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import { v7 as uuid } from 'uuid'
import { createRemoteObjectStore } from '../adapters/object-store/remote/create-remote-object-store.ts'
import type { Config } from '../config/read-config.ts'
import { lockDataDirectory } from '../db/lock-data-directory.ts'
import { AppError, StartupError } from '../errors.ts'
import { createMirrors } from '../git/index.ts'
import type { Registration, WorkerIdentity } from '../jobs/index.ts'
import type { ContainerHost } from '../ports/container-host.ts'
import { createReplicatedLogStore } from '../remote/create-replicated-log-store.ts'
import { openWorkerApi } from '../remote/http/open-worker-api.ts'
import { openWorkerClient } from '../remote/http/open-worker-client.ts'
import { isTokenRefused, openWorkerToken } from '../remote/http/worker-token.ts'
import { registerRemotely, type RemoteRegistration } from '../remote/register-remotely.ts'
import { createRemoteBuilds } from '../remote/remote-builds.ts'
import { createRemoteControl } from '../remote/remote-control.ts'
import { createRemoteDelegations } from '../remote/remote-delegations.ts'
import { createRemoteLedger } from '../remote/remote-ledger.ts'
import type { Resources } from '../resources.ts'
import { openVault } from '../secrets/index.ts'
import { dataDirectoryId, resolveMasterKey } from '../server-keys.ts'
import { openContainerHost } from './open-container-host.ts'
import { openExecutor } from './open-executor.ts'
import { openRemoteArtifacts } from './open-remote-artifacts.ts'
import { openRemoteBus } from './open-remote-bus.ts'
import { openWorkerTelemetry } from './open-worker-telemetry.ts'
import { openWorkerImages } from './open-image-engine.ts'
import { readDockerOptions } from './read-docker-options.ts'
import { allTypes, startWork, type Work } from './start-work.ts'

/** A worker without the database, at work. */
export interface RemoteWorker extends Work {
  id: string
  types: readonly string[]
  /** How steps are isolated. */
  isolation: string
  /** Resolves when it is told by its server to take no new jobs. */
  drained: Promise<void>
  /** Rejects when it cannot go on: with the `StartupError` that says why it never can, else to begin anew. */
  broken: Promise<never>
}

/** Milliseconds between two tries to reach the server at the start. */
const firstPauseMs = 250
const longestPauseMs = 5_000
/** Milliseconds for what predecessors of the data directory left of their logs. */
const shipMs = 30_000
/** Milliseconds in which a container engine answers that is there. */
const engineMs = 5_000

/**
 * Starts a worker that reaches the ledger, logs and objects by the API of a server. Waits for a server that
 * is away until `signal` aborts; `StartupError` says why there can be no such worker.
 */
export async function startRemoteWorker(
  config: Config,
  log: Logger,
  version: string,
  resources: Resources,
  signal: AbortSignal,
): Promise<RemoteWorker> {
  const { serverUrl, token: given, tokenFile: file } = config.worker
  if (serverUrl === null) {
    throw new StartupError('A worker needs the address of its server: SLIPWAY_SERVER_URL')
  }
  const token = await openWorkerToken({ token: given, file })
  const { dataDir } = config
  resources.add('data directory', await lockDataDirectory(dataDir), (lock) => lock.release())
  const { metrics, tracer, health } = await openWorkerTelemetry(config, log, version, resources)
  const workerId = uuid()
  const home = await dataDirectoryId(dataDir)
  const api = openWorkerApi({ url: serverUrl, token, version })
  resources.add('connections', api, async (opened) => opened.close())
  const client = openWorkerClient({ api, token })
  const docker = await readDockerOptions(config)
  const executor = await openExecutor(config, log, docker, resources, metrics.ports.executor)
  const containers = await openContainerHost(config, docker, { log, home }, resources)
  const types = config.worker.types ?? (await typesFor(containers))
  if (types.length === 0) {
    throw new StartupError('SLIPWAY_WORKER_TYPES: a worker without types has nothing to do')
  }
  const objects = metrics.ports.objects(createRemoteObjectStore({ api, workerId }))
  resources.add('objects', objects, (opened) => opened.close())
  const logs = metrics.ports.logs(
    createReplicatedLogStore({ root: join(dataDir, 'logs'), workerId, api, log }),
  )
  resources.add('logs', logs, (opened) => opened.close())
  // Before the registration: that frees the jobs of the predecessor, whose logs others then go on with.
  await logs.shipAbandoned(AbortSignal.any([signal, AbortSignal.timeout(shipMs)]))
  warnOfPlainHttp(serverUrl, log)

  const registration = registerRemotely(client, { workerId, version })
  const identity = { id: workerId, name: hostname(), home, version }
  const ending = watchEnd()
  await registerPatiently(registration, { ...identity, types, capacity: 1 }, log, signal)
  health.heard()
  const settings = await registration.settings()
  const ledger = createRemoteLedger(client, workerId)
  const deps = { ledger, objects, api, workerId, onDrain: ending.drain, tracer, metrics }
  const bus = await openRemoteBus(config, log, deps, resources)
  const mirrors = createMirrors({
    directory: join(dataDir, 'mirrors'),
    accessDirectory: join(dataDir, 'git-access'),
  })
  const plainHttp = settings.plain_http_registries
  const masterKey = await resolveMasterKey({ dataDir, configured: config.masterKey })
  const work = await startWork(
    { ...config, buildTimeouts: { ...config.buildTimeouts, ...settings.build_timeouts_ms } },
    log,
    {
      bus,
      identity,
      types,
      keep: {
        log,
        async register(worker) {
          const registered = await registration.register(worker).catch(ending.refuse)
          health.heard()
          return registered
        },
      },
      leave: () => registration.leave(),
      onDrain: ending.drain,
      executor,
      logs,
      mirrors,
      control: createRemoteControl(client),
      artifacts: openRemoteArtifacts(config, { api, client, settings, objects, version }),
      building: {
        builds: createRemoteBuilds(client, workerId),
        objects,
        ...openWorkerImages(config, docker, { plainHttp }, resources),
      },
      delegating: {
        delegations: createRemoteDelegations(client, { workerId, owner: home }),
        host: containers,
        vault: openVault([masterKey]),
        watchPool: metrics.watchPool,
      },
    },
    resources,
  )
  const { drained, broken } = ending
  health.working({ active: work.active, drained })
  const { isolation } = executor
  return { ...work, id: workerId, types, isolation, drained, broken }
}

/** All that can be done here; what needs a container engine only where one answers. */
async function typesFor(containers: Pick<ContainerHost, 'check'>): Promise<readonly string[]> {
  const late = pause(engineMs, false, { ref: false })
  const hasEngine = await Promise.race([
    containers.check().then(
      () => true,
      () => false,
    ),
    late,
  ])
  const needsEngine = ['build', 'delegation']
  return hasEngine ? allTypes : allTypes.filter((type) => !needsEngine.includes(type))
}

/** Whoever is on the way reads the secrets of jobs. */
function warnOfPlainHttp(serverUrl: string, log: Logger): void {
  const { protocol, hostname: host } = new URL(serverUrl)
  if (protocol === 'https:' || /^(localhost|127\.[\d.]+|\[::1\])$/.test(host)) return
  log.warn(
    { url: serverUrl },
    'the server is reached without TLS: whoever is on the way can read the secrets of jobs',
  )
}

async function registerPatiently(
  registration: RemoteRegistration,
  worker: WorkerIdentity,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    signal.throwIfAborted()
    try {
      await registration.register(worker)
      return
    } catch (error) {
      if (error instanceof AppError) throw new StartupError(explain(error))
      log.warn({ err: error }, 'the server does not answer; trying again')
      await pause(pauseMs, undefined, { signal })
    }
  }
}

function explain(error: AppError): string {
  const hint =
    error.code === 'authentication_failed' || error.code === 'authorization_failed'
      ? ' Make one with: slipway token create <name> --role worker'
      : ''
  return `The server refuses this worker: ${error.message}.${hint}`
}

/** How a worker learns that it is to end, or cannot go on. */
function watchEnd() {
  let drain = () => {}
  let breakOff: (error: unknown) => void = () => {}
  const drained = new Promise<void>((resolve) => (drain = resolve))
  const broken = new Promise<never>((_resolve, reject) => (breakOff = reject))
  broken.catch(() => {})
  return {
    drained,
    broken,
    drain,
    /** A heartbeat was refused: who comes with another token begins anew, without one is at its end. */
    refuse(error: unknown): Promise<Registration> {
      if (error instanceof AppError && error.code === 'authorization_failed') breakOff(error)
      else if (isTokenRefused(error) || isOfOtherRelease(error)) {
        breakOff(new StartupError(explain(error as AppError)))
      }
      throw error
    },
  }
}

function isOfOtherRelease(error: unknown): boolean {
  return error instanceof AppError && error.details?.['reason'] === 'version'
}

import { chmod, chown, mkdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { lockDataDirectory } from '../lock-data-directory.ts'
import type { Log } from '../log.ts'
import { StartupError } from '../../errors.ts'
import { chooseIdentity, type Identity } from './choose-identity.ts'
import { type Binaries, findBinaries } from './find-binaries.ts'
import { initialiseCluster } from './initialise-cluster.ts'
import { launchPostgres, type Launched } from './launch-postgres.ts'
import { lockFile } from './lock-file.ts'
import { rotateLog } from './log-file.ts'
import { provisionCluster } from './provision-cluster.ts'
import { dropSocketDirectory, makeSocketDirectory } from './socket-directory.ts'

/** How long a predecessor that was killed may take to end its PostgreSQL. */
const predecessorMs = 15_000
const stopMs = 30_000

export interface EmbeddedPostgresOptions {
  /** Created if absent, owned by this process until `stop`. */
  dataDir: string
  log: Log
  /** The npm package to take PostgreSQL from; null: from the PATH. Default: the platform's, else the PATH. */
  packageDirectory?: string | null
}

export interface EmbeddedPostgres {
  /** Of the database `slipway`, by its owner, who is no superuser. */
  readonly url: string
  /** Of the superuser, for tests and tools. */
  readonly adminUrl: string
  /** Stops PostgreSQL cleanly and lets go of the data directory. Repeating is harmless. */
  stop(): Promise<void>
}

/**
 * Starts the PostgreSQL of this server in `<dataDir>/postgres`; it answers when the promise resolves.
 * It ends with this process, however that ends, and is started again when it ends by itself.
 * Throws StartupError when the directory has another owner, or PostgreSQL can't be started.
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const dataDir = resolve(options.dataDir)
  const ownership = await lockDataDirectory(dataDir)
  try {
    const cluster = await prepare(dataDir, options.packageDirectory)
    const supervisor = await supervise(cluster, options.log)
    const url = (user: string, database: string) =>
      `postgresql://${user}@localhost/${database}?host=${encodeURIComponent(cluster.socketDirectory)}`
    try {
      await provisionCluster({ home: cluster.home, adminUrl: url('postgres', 'template1') })
    } catch (error) {
      await supervisor.stop()
      throw error
    }
    const stop = async () => {
      try {
        await supervisor.stop()
        await dropSocketDirectory(cluster.socketDirectory)
      } finally {
        await ownership.release()
      }
    }
    let stopped: Promise<void> | undefined
    return {
      url: url('slipway', 'slipway'),
      adminUrl: url('postgres', 'slipway'),
      stop: () => (stopped ??= stop()),
    }
  } catch (error) {
    await ownership.release()
    throw error
  }
}

interface Cluster {
  home: string
  socketDirectory: string
  binaries: Binaries
  identity: Identity
  logFile: string
}

async function prepare(dataDir: string, packageDirectory?: string | null): Promise<Cluster> {
  const home = join(dataDir, 'postgres')
  const identity = await chooseIdentity(await ownerOf(join(home, 'data')))
  await mkdir(home, { recursive: true, mode: 0o700 })
  if (identity.user !== null) {
    await chown(home, identity.user.uid, identity.user.gid)
    // Passage, and nothing else, for the user that PostgreSQL runs as.
    await chmod(dataDir, ((await stat(dataDir)).mode & 0o7777) | 0o011)
  }
  const socketDirectory = await makeSocketDirectory(join(home, 'run'), identity.user)
  const binaries = await findBinaries(join(home, 'lib'), packageDirectory)
  return { home, socketDirectory, binaries, identity, logFile: join(home, 'postgres.log') }
}

async function ownerOf(path: string): Promise<number | null> {
  return stat(path).then(
    (found) => found.uid,
    () => null,
  )
}

/** Keeps one PostgreSQL running until it is told to stop. Resolves when the first one answers. */
async function supervise(cluster: Cluster, log: Log): Promise<{ stop(): Promise<void> }> {
  const stopping = new AbortController()
  let current = await launch(cluster)

  const watch = async () => {
    for (let pause = 100; ; pause = Math.min(pause * 2, 5_000)) {
      const status = await current.exited
      if (stopping.signal.aborted) return
      log.error({ status, log_file: cluster.logFile }, 'PostgreSQL has ended; starting it again')
      // Ends what a guard that was killed has left behind.
      await current.stop(0)
      try {
        current = await launch(cluster)
        if (stopping.signal.aborted) return await current.stop(stopMs)
        pause = 50
        log.info({}, 'PostgreSQL answers again')
      } catch (error) {
        log.error({ err: error }, 'PostgreSQL could not be started again')
        await sleep(pause, undefined, { signal: stopping.signal }).catch(() => {})
      }
    }
  }
  const watched = watch()
  return {
    async stop() {
      stopping.abort()
      await current.stop(stopMs)
      await watched
    },
  }
}

/** Waits for the last PostgreSQL of this directory to be gone entirely, then starts the next. */
async function launch(cluster: Cluster): Promise<Launched> {
  const lock = await lockFile(join(cluster.home, 'postgres.lock'), predecessorMs)
  if (lock === null) {
    throw new StartupError(`The last PostgreSQL of ${cluster.home} is still running: end it first`)
  }
  try {
    await rotateLog(cluster.logFile)
    const deps = { ...cluster, lockFd: lock.fd }
    const data = await initialiseCluster(deps)
    return await launchPostgres(deps, data)
  } finally {
    // From here on PostgreSQL holds it.
    await lock.close()
  }
}

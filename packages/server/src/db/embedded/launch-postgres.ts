import { open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { StartupError } from '../../errors.ts'
import { type Guarded, spawnGuarded } from './guard.ts'
import type { ClusterDeps } from './initialise-cluster.ts'
import { readLogTail } from './log-file.ts'
import { isReady, removeStalePostmasterFile } from './postmaster-file.ts'
import { serverSettings } from './settings.ts'

/** Recovery after a crash reads up to a gigabyte of its log. */
const startMs = 300_000

export type Launched = Guarded

/** Starts PostgreSQL on a complete cluster and resolves when it takes connections. */
export async function launchPostgres(
  deps: ClusterDeps & { socketDirectory: string },
  data: string,
): Promise<Launched> {
  const { binaries, identity } = deps
  await removeStalePostmasterFile(data)
  const log = await open(deps.logFile, 'a', 0o600)
  try {
    const logStart = (await log.stat()).size
    const settings = serverSettings(deps.socketDirectory, binaries.major)
    const command = [binaries.postgres, '-D', data, ...settings]
    const guarded = spawnGuarded([...identity.prefix, ...binaries.prefix, ...command], {
      outputFd: log.fd,
      lockFd: deps.lockFd,
      user: identity.user,
    })
    try {
      const failure = await untilReady(guarded, data)
      if (failure === null) return guarded
      const reason = await readLogTail(deps.logFile, logStart)
      throw new StartupError(`PostgreSQL ${failure}: ${reason}`)
    } catch (error) {
      await guarded.stop(0)
      throw error
    }
  } finally {
    await log.close()
  }
}

/** Null when it is ready, else what went wrong. It announces itself in its pid file, and nowhere else. */
async function untilReady(guarded: Guarded, data: string): Promise<string | null> {
  const deadline = performance.now() + startMs
  let status: number | undefined
  void guarded.exited.then((ended) => (status = ended))
  while (!(await isReady(data))) {
    if (status !== undefined) return `did not start (${status})`
    if (performance.now() > deadline) return `was not ready within ${startMs / 1000} s`
    await sleep(4)
  }
  return null
}

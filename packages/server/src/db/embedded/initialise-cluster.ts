import { chown, mkdtemp, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { StartupError } from '../../errors.ts'
import type { Identity } from './choose-identity.ts'
import type { Binaries } from './find-binaries.ts'
import { spawnGuarded } from './guard.ts'
import { isErrno } from './lock-file.ts'
import { readLogTail } from './log-file.ts'
import { initdbOptions } from './settings.ts'

export interface ClusterDeps {
  /** The directory around it. */
  home: string
  binaries: Binaries
  identity: Identity
  lockFd: number
  logFile: string
}

/**
 * Makes sure that `<home>/data` is a complete cluster of the right major version. A new one is made
 * in a scratch folder and renamed, so that a start that is killed leaves a whole cluster or none.
 * The caller holds the lock of the directory.
 */
export async function initialiseCluster(deps: ClusterDeps): Promise<string> {
  const data = join(deps.home, 'data')
  for (const name of await readdir(deps.home)) {
    if (name.startsWith('initdb-'))
      await rm(join(deps.home, name), { recursive: true, force: true })
  }
  const version = await readFile(join(data, 'PG_VERSION'), 'utf8').catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return null
    throw error
  })
  if (version === null) await create(deps, data)
  else refuseOtherVersion(data, version.trim(), deps.binaries.major)
  return data
}

function refuseOtherVersion(data: string, version: string, major: number) {
  if (version === String(major)) return
  throw new StartupError(
    `${data} was made by PostgreSQL ${version}, and this program brings PostgreSQL ${major}, which can't read it. ` +
      `Start the version of Slipway that brings PostgreSQL ${version}, or serve the directory with a ` +
      `PostgreSQL ${version} of your own and set DATABASE_URL`,
  )
}

async function create(deps: ClusterDeps, data: string) {
  const { binaries, identity } = deps
  const scratch = await mkdtemp(join(deps.home, 'initdb-'))
  if (identity.user !== null) await chown(scratch, identity.user.uid, identity.user.gid)
  const log = await open(deps.logFile, 'a', 0o600)
  try {
    const start = (await log.stat()).size
    const command = [binaries.initdb, ...initdbOptions(binaries.major), '-D', scratch]
    const guarded = spawnGuarded([...identity.prefix, ...binaries.prefix, ...command], {
      outputFd: log.fd,
      lockFd: deps.lockFd,
      user: identity.user,
    })
    const timer = setTimeout(() => void guarded.stop(0), 120_000)
    const status = await guarded.exited
    clearTimeout(timer)
    await guarded.stop(0)
    if (status !== 0) {
      const reason = await readLogTail(deps.logFile, start)
      throw new StartupError(`initdb failed (${status}): ${reason}`)
    }
    await rename(scratch, data)
    await syncDirectory(deps.home)
  } finally {
    await log.close()
    await rm(scratch, { recursive: true, force: true })
  }
}

async function syncDirectory(path: string) {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

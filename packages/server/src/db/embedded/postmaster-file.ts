import { readFile, readlink, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { StartupError } from '../../errors.ts'
import { isErrno } from './lock-file.ts'

/** Whether the PostgreSQL of this cluster says that it takes connections. */
export async function isReady(data: string): Promise<boolean> {
  const text = await readPostmasterFile(data)
  return text?.split('\n')[7]?.trim() === 'ready'
}

/** Directory of the socket of the PostgreSQL that runs on this cluster; null where none takes connections. */
export async function readSocketDirectory(data: string): Promise<string | null> {
  const lines = (await readPostmasterFile(data))?.split('\n') ?? []
  return lines[7]?.trim() === 'ready' ? (lines[4] ?? null) : null
}

/**
 * Removes a postmaster.pid that nobody stands behind. PostgreSQL would refuse to start where its pid
 * has meanwhile gone to another process, which after a restart of a container is common, or is a
 * zombie still. The caller holds the lock that every PostgreSQL of ours holds while it lives, so only
 * one that was started by hand can be alive: that one is looked for, and refused.
 */
export async function removeStalePostmasterFile(data: string): Promise<void> {
  // Elsewhere there is no /proc to ask; PostgreSQL's own check has to do.
  if (process.platform !== 'linux') return
  const text = await readPostmasterFile(data)
  if (text === null) return
  const pid = Number.parseInt(text, 10)
  if (pid > 0 && (await isPostmasterOf(pid, data))) {
    throw new StartupError(
      `${data} is in use by a PostgreSQL that is not ours (process ${pid}): stop it first`,
    )
  }
  await rm(join(data, 'postmaster.pid'), { force: true })
}

/** A postmaster works in its data directory; a zombie or a stranger does not. */
async function isPostmasterOf(pid: number, data: string): Promise<boolean> {
  try {
    return (await readlink(`/proc/${pid}/cwd`)) === (await realpath(data))
  } catch {
    return false
  }
}

async function readPostmasterFile(data: string): Promise<string | null> {
  try {
    return await readFile(join(data, 'postmaster.pid'), 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null
    throw error
  }
}

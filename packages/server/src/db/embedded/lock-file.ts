import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { StartupError } from '../../errors.ts'

/** open(2) of macOS and the BSDs takes the lock itself; Node has no name for the flag. */
const O_EXLOCK = 0x20

/**
 * Locks a file for as long as it is open anywhere: in this process, or in one that inherited it. The
 * kernel lets go when the last of them dies, however it dies, so there are no stale locks. The file stays.
 * Null when another holds it and does not let go within `waitMs`.
 */
export async function lockFile(path: string, waitMs: number): Promise<FileHandle | null> {
  return process.platform === 'linux' ? lockByCommand(path, waitMs) : lockByOpen(path, waitMs)
}

/** flock(1) locks the open file that it shares with us; the lock stays ours when it has ended. */
async function lockByCommand(path: string, waitMs: number): Promise<FileHandle | null> {
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600)
  try {
    const wait = waitMs > 0 ? ['-w', (waitMs / 1000).toFixed(3)] : ['-n']
    const child = spawn('flock', [...wait, '-E', '75', '3'], {
      stdio: ['ignore', 'ignore', 'ignore', handle.fd],
    })
    const [code] = (await once(child, 'exit')) as [number | null]
    if (code === 0) return handle
    await handle.close()
    if (code === 75) return null
    throw new StartupError(`${path} can't be locked (flock ended with ${code})`)
  } catch (error) {
    await handle.close()
    if (!isErrno(error, 'ENOENT')) throw error
    throw new StartupError('The command flock is missing: install util-linux', { cause: error })
  }
}

async function lockByOpen(path: string, waitMs: number): Promise<FileHandle | null> {
  const deadline = performance.now() + waitMs
  for (;;) {
    try {
      const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK | O_EXLOCK
      return await open(path, flags, 0o600)
    } catch (error) {
      if (!isErrno(error, 'EAGAIN')) throw error
      if (performance.now() >= deadline) return null
      await sleep(20)
    }
  }
}

/** Whether it is a system error of that name. */
export function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

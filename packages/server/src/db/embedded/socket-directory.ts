import { createHash } from 'node:crypto'
import { chmod, chown, lstat, mkdir, mkdtemp, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isErrno } from './lock-file.ts'

const socketName = '.s.PGSQL.5432'
/** Bytes of a unix socket's path, without its terminating zero. */
const longestPath = process.platform === 'linux' ? 107 : 103

/**
 * A private directory whose path is short enough for a unix socket in it: `preferred`, else one under
 * the system's temporary directory, the same at every start.
 */
export async function makeSocketDirectory(
  preferred: string,
  user: { uid: number; gid: number } | null,
): Promise<string> {
  const directory = fits(preferred)
    ? await makePrivate(preferred, user)
    : await makeShort(preferred, user)
  if (user !== null) await chown(directory, user.uid, user.gid)
  return directory
}

/** PostgreSQL has taken its socket away; whatever else somebody put there stays. */
export async function dropSocketDirectory(path: string): Promise<void> {
  await rmdir(path).catch(() => {})
}

async function makeShort(preferred: string, user: { uid: number } | null): Promise<string> {
  const parent = [tmpdir(), '/tmp'].find((path) => fits(join(path, 'slipway-0123456789abcdef')))
  if (parent === undefined) throw new Error('No temporary directory has a path short enough')
  const digest = createHash('sha256').update(preferred).digest('hex').slice(0, 16)
  try {
    return await makePrivate(join(parent, `slipway-${digest}`), user)
  } catch {
    // Somebody else made that name theirs.
    return await mkdtemp(join(parent, 'slipway-'))
  }
}

/** Creates it, or takes an existing one after making sure that it is a directory of ours and nobody else's. */
async function makePrivate(path: string, user: { uid: number } | null): Promise<string> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
  }
  const stat = await lstat(path)
  const owners = [process.getuid?.(), user?.uid]
  if (!stat.isDirectory() || !owners.includes(stat.uid)) {
    throw new Error(`${path} is not a directory of ours`)
  }
  await chmod(path, 0o700)
  return path
}

function fits(directory: string): boolean {
  return Buffer.byteLength(join(directory, socketName)) <= longestPath
}

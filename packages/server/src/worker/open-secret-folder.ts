import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, realpath, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'

/** Magic number of tmpfs in statfs(2). */
const tmpfs = 0x01021994

export interface SecretFolder {
  /** Readable by this user alone. */
  directory: string
  close(): Promise<void>
}

/**
 * Makes the folder for secrets that steps get as files: in memory where there is a tmpfs at `memory`,
 * else in the data directory. What a dead predecessor of this data directory left there goes first.
 */
export async function openSecretFolder(input: {
  dataDir: string
  memory?: string
}): Promise<SecretFolder> {
  const { memory = '/dev/shm' } = input
  const dataDir = await realpath(input.dataDir)
  const fallback = join(dataDir, 'secret-files')
  await mkdir(fallback, { recursive: true, mode: 0o700 })
  const prefix = `slipway-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}-`
  let directory: string | null = null
  for (const [parent, isTmpfs] of [
    [
      memory,
      await statfs(memory).then(
        ({ type }) => type === tmpfs,
        () => false,
      ),
    ],
    [fallback, false],
  ] as const) {
    for (const name of await readdir(parent).catch(() => [])) {
      if (!name.startsWith(prefix)) continue
      // What is somebody else's is not ours to remove.
      await rm(join(parent, name), { recursive: true, force: true }).catch(() => undefined)
    }
    // Its name cannot be guessed, so nobody can have made it first.
    if (isTmpfs) directory = await mkdtemp(join(parent, prefix)).catch(() => null)
  }
  const made = directory ?? (await mkdtemp(join(fallback, prefix)))
  return { directory: made, close: () => rm(made, { recursive: true, force: true }) }
}

import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readFile, stat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'

/** A secret that the server keeps in its data directory. */
export interface SecretFile {
  secret: string
  /** It was made just now. */
  created: boolean
}

/**
 * Reads the secret kept at `path`, or makes one and keeps it in a file that only its owner can
 * read. The file appears whole or not at all; of two servers that start at once, both get the
 * one secret. A file that others can read is refused: what it holds is no longer a secret.
 */
export async function keepSecretFile(path: string, make: () => string): Promise<SecretFile> {
  const kept = await readSecretFile(path)
  if (kept !== null) return { secret: kept, created: false }
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const secret = make()
  const draft = `${path}.${randomUUID()}`
  const file = await open(draft, 'wx', 0o600)
  try {
    await file.writeFile(`${secret}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  try {
    await link(draft, path)
    return { secret, created: true }
  } catch (error) {
    const winner = isCode(error, 'EEXIST') ? await readSecretFile(path) : null
    if (winner === null) throw error
    return { secret: winner, created: false }
  } finally {
    await unlink(draft)
  }
}

async function readSecretFile(path: string): Promise<string | null> {
  let text: string
  try {
    const { mode } = await stat(path)
    if ((mode & 0o077) !== 0) {
      throw new Error(`${path} can be read by others than its owner; allow its owner only (0600)`)
    }
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null
    throw error
  }
  const secret = text.trim()
  if (secret.length < 20) {
    throw new Error(`${path} does not hold a secret; delete it to have a new one made`)
  }
  return secret
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

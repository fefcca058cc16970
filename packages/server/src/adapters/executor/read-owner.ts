import { randomUUID } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from '../../directories.ts'

/**
 * Whose what this directory's executor has started is: an id that is made once. Its path alone does not tell,
 * for another machine's server on the same engine or cluster may have the same.
 */
export async function readOwner(stateDir: string): Promise<string> {
  const path = join(stateDir, 'owner')
  const known = await readFile(path, 'utf8').catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return ''
    throw error
  })
  if (/^[\da-f-]{36}$/.test(known)) return known
  const owner = randomUUID()
  await writeFile(`${path}.new`, owner, { mode: 0o600 })
  await rename(`${path}.new`, path)
  return owner
}

import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode } from '../../directories.ts'
import type { Vault } from '../../secrets/index.ts'

/**
 * What may not be in the log of a delegation: kept, sealed, for as long as its container is, so that
 * whoever goes on with the log after this process masks the same.
 */
export interface DelegationSecrets {
  keep(delegationId: string, values: readonly string[]): Promise<void>
  /** Null: nobody kept any, or they cannot be read. */
  read(delegationId: string): Promise<readonly string[] | null>
  drop(delegationId: string): Promise<void>
  /** Delegations of which there are some. */
  list(): Promise<string[]>
}

const suffix = '.sealed'
/** Of one that is just being written. */
const newSuffix = `${suffix}.new`

/** In a folder of the data directory. */
export function openDelegationSecrets(
  vault: Pick<Vault, 'seal' | 'open'>,
  directory: string,
): DelegationSecrets {
  const pathOf = (id: string) => join(directory, id + suffix)
  const newPathOf = (id: string) => join(directory, id + newSuffix)
  const record = (id: string) => ({
    purpose: 'delegation',
    id,
    label: `What the log of the job ${id} must not show`,
  })
  return {
    async keep(id, values) {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      const sealed = vault.seal(record(id), JSON.stringify(values))
      await writeFile(newPathOf(id), sealed, { mode: 0o600 })
      await rename(newPathOf(id), pathOf(id))
    },
    async read(id) {
      try {
        return JSON.parse(vault.open(record(id), await readFile(pathOf(id)))) as string[]
      } catch {
        return null
      }
    },
    async drop(id) {
      // Also what a process that was killed had begun.
      await rm(newPathOf(id), { force: true })
      await rm(pathOf(id), { force: true })
    },
    async list() {
      try {
        const names = await readdir(directory)
        const ids = names.flatMap((name) => {
          const end = [newSuffix, suffix].find((each) => name.endsWith(each))
          return end === undefined ? [] : [name.slice(0, -end.length)]
        })
        return [...new Set(ids)]
      } catch (error) {
        if (hasCode(error, 'ENOENT')) return []
        throw error
      }
    },
  }
}

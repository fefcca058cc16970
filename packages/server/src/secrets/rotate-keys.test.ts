import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.ts'
import { checkKeys, rotateKeys } from './rotate-keys.ts'
import { readStepSecrets, sealedStepSecrets } from './step-secrets.ts'
import { openVault, type Vault } from './vault.ts'

let database: TestDatabase
beforeEach(async () => void (database = await createTestDatabase()))
afterEach(() => database.close())

const [old, fresh, foreign] = [1, 2, 3].map((byte) => Buffer.alloc(32, byte)) as [
  Buffer,
  Buffer,
  Buffer,
]
const columns = [sealedStepSecrets]
const repository = 'acme/shop'

/** Stores secrets as the room does, under the vault's newest key. */
async function store(vault: Vault, names: readonly string[]): Promise<void> {
  const rows = names.map((name) => {
    const id = randomUUID()
    const record = { purpose: sealedStepSecrets.purpose, id: `${id}\n${repository}\n${name}` }
    return [id, name, vault.seal({ ...record, label: name }, `value of ${name}`)]
  })
  for (const [id, name, sealed] of rows) {
    await database.pool.query(
      `insert into secrets values ($1, $2, $3, $4, 'a', now(), 'a', now())`,
      [id, repository, name, sealed],
    )
  }
}
const names = (count: number) => Array.from({ length: count }, (_, index) => `S${index}`)
const deps = (vault: Vault) => ({ db: database.db, vault })
const read = (vault: Vault, name: string) =>
  readStepSecrets(deps(vault), { repository, names: [name] })

describe('rotateKeys', () => {
  it('goes on where it was stopped, until all is under the newest key', async () => {
    await store(openVault([old]), names(450))
    const both = openVault([fresh, old])
    let left = 100
    const stopping: Vault = {
      ...both,
      seal: (...input) => {
        if (left-- === 0) throw new Error('killed')
        return both.seal(...input)
      },
    }
    await expect(rotateKeys(deps(stopping), columns)).rejects.toThrow('killed')
    expect(await checkKeys(deps(both), columns)).toEqual({ outdated: 350, lost: [] })
    // In between, all can be read.
    for (const name of ['S0', 'S200', 'S449']) {
      expect(await read(both, name)).toEqual({ [name]: `value of ${name}` })
    }
    expect(await rotateKeys(deps(both), columns)).toEqual({ resealed: 350, lost: [] })
    expect(await rotateKeys(deps(both), columns)).toEqual({ resealed: 0, lost: [] })
    const alone = openVault([fresh])
    for (const name of names(450)) {
      expect(await read(alone, name)).toEqual({ [name]: `value of ${name}` })
    }
  })

  it('names what no key opens, and rotates the rest', async () => {
    await store(openVault([foreign]), ['LOST'])
    await store(openVault([old]), ['KEPT'])
    const both = openVault([fresh, old])
    expect(await checkKeys(deps(both), columns)).toEqual({
      outdated: 1,
      lost: [expect.stringMatching(/^The secret .* acme\/shop LOST$/)],
    })
    const { resealed, lost } = await rotateKeys(deps(both), columns)
    expect(resealed).toBe(1)
    expect(lost).toEqual([expect.stringContaining('acme/shop LOST cannot be read')])
    expect(await read(openVault([foreign]), 'LOST')).toEqual({ LOST: 'value of LOST' })
    await expect(read(both, 'LOST')).rejects.toThrow('The secret LOST of acme/shop cannot be read')
  })

  it('leaves a record to whoever changes it meanwhile', async () => {
    await store(openVault([old]), ['RACE'])
    const both = openVault([fresh, old])
    const racing: Vault = {
      ...both,
      open: (record, sealed) => {
        const text = both.open(record, sealed)
        changed = database.pool.query('update secrets set sealed = $1', [
          both.seal(record, 'the newer value'),
        ])
        return text
      },
      seal: (record, text) => both.seal(record, text),
    }
    let changed: Promise<unknown> = Promise.resolve()
    const slow = { ...deps(racing) }
    // The row is locked by the change, so what it writes is what stays.
    await rotateKeys(slow, columns)
    await changed
    expect(await read(openVault([fresh]), 'RACE')).toEqual({ RACE: 'the newer value' })
  })
})

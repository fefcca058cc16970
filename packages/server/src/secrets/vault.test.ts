import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openVault } from './vault.ts'

const key = () => randomBytes(32)
const record = { purpose: 'credential', id: '7', label: 'The credential bob' }

describe('openVault', () => {
  it('opens what it has sealed, whatever the text', () => {
    const vault = openVault([key()])
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(vault.open(record, vault.seal(record, text))).toBe(text)
      }),
    )
  })

  it('never seals alike, and never shows the text', () => {
    const vault = openVault([key()])
    const [a, b] = [vault.seal(record, 'hunter2'), vault.seal(record, 'hunter2')]
    expect(a.equals(b)).toBe(false)
    expect(a.includes('hunter2')).toBe(false)
    expect(a.subarray(0, vault.prefix.length).equals(vault.prefix)).toBe(true)
  })

  it('opens for no other record, and for no other purpose', () => {
    const vault = openVault([key()])
    const sealed = vault.seal(record, 'hunter2')
    for (const other of [{ id: '8' }, { purpose: 'step secret' }]) {
      expect(() => vault.open({ ...record, ...other }, sealed)).toThrow(/belongs to another record/)
    }
  })

  it('opens under none but its key, and names the record and the key that is missing', () => {
    const vault = openVault([key()])
    const sealed = vault.seal(record, 'hunter2')
    const id = vault.prefix.toString('hex', 1)
    const other = openVault([key()])
    expect(() => other.open(record, sealed)).toThrow(`The credential bob cannot be read`)
    expect(() => other.open(record, sealed)).toThrow(id)
    expect(other.knows(sealed)).toBe(false)
  })

  it('opens what an older key has sealed, and seals under the newest', () => {
    const [old, fresh] = [key(), key()]
    const sealed = openVault([old]).seal(record, 'hunter2')
    const vault = openVault([fresh, old])
    expect(vault.open(record, sealed)).toBe('hunter2')
    expect(openVault([fresh]).open(record, vault.seal(record, 'hunter3'))).toBe('hunter3')
  })

  it('refuses whatever was changed in what is stored', () => {
    const vault = openVault([key()])
    const sealed = vault.seal(record, 'hunter2')
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const damaged = Buffer.from(sealed)
        damaged[at] = (damaged[at] ?? 0) ^ change
        expect(() => vault.open(record, damaged)).toThrow(/cannot be read/)
      }),
    )
    for (const short of [Buffer.alloc(0), sealed.subarray(0, 20)]) {
      expect(() => vault.open(record, short)).toThrow(/cannot be read/)
    }
  })
})

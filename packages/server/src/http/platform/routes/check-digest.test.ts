import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { checkDigest } from './check-digest.ts'

const never = new AbortController().signal
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()

function pieces(whole: Buffer, cuts: readonly number[]): Buffer[] {
  const all: Buffer[] = []
  let from = 0
  for (const length of [...cuts, whole.length]) {
    if (from < whole.length) all.push(whole.subarray(from, from + length))
    from += length
  }
  return all.filter(({ length }) => length > 0)
}

const check = (chunks: readonly Buffer[], mostBytes = 1_000) =>
  buffer(checkDigest(Readable.from(chunks), { mostBytes, signal: never }))

it('gives out what stands before the digest, wherever the body was cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 20 }),
      async (bytes, cuts) => {
        const whole = Buffer.concat([bytes, sha256(bytes)])
        expect(await check(pieces(whole, cuts))).toEqual(Buffer.from(bytes))
      },
    ),
  )
})

it('fails where anything of it was changed or is missing', async () => {
  const whole = Buffer.concat([Buffer.from('content'), sha256(Buffer.from('content'))])
  for (let at = 0; at < whole.length; at++) {
    const changed = Buffer.from(whole)
    changed[at]! ^= 1
    await expect(check([changed])).rejects.toThrow('digest')
    await expect(check([whole.subarray(0, at)])).rejects.toThrow('digest')
  }
  await expect(check([])).rejects.toThrow('digest')
})

it('fails where there is too much, as soon as that is known', async () => {
  const body = new Readable({ read() {} })
  body.push(Buffer.alloc(200))
  const reading = buffer(checkDigest(body, { mostBytes: 100, signal: never }))
  await expect(reading).rejects.toThrow('larger than 100 bytes')
  expect(body.destroyed).toBe(true)
})

it('fails when the server stops', async () => {
  const stopping = new AbortController()
  const body = new Readable({ read() {} })
  const reading = buffer(checkDigest(body, { mostBytes: 100, signal: stopping.signal }))
  stopping.abort()
  await expect(reading).rejects.toThrow('did not come to its end')
})

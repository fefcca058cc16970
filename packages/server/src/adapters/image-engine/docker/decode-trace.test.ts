import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeTrace } from './decode-trace.ts'

/** A field of Protocol Buffers: a text, bytes, a message or a number. */
function field(number: number, value: string | Buffer | number): Buffer {
  if (typeof value === 'number') return Buffer.concat([varint(number * 8), varint(value)])
  const content = Buffer.from(value as string)
  return Buffer.concat([varint(number * 8 + 2), varint(content.length), content])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = BigInt(value)
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return Buffer.from([...bytes, Number(rest)])
}

describe('decodeTrace', () => {
  it('reads what an engine sends', () => {
    const sent =
      'Cr0BCkdzaGEyNTY6YzhkN2FjMzYyNmFhYmYxZmY3NjkxYTBhZmQ4MmNiNTIzZTM4NTFhZDExMTNiOGUzNzViY2RmNmNlOTU1NWIxYhJHc2hhMjU2OjM5MzViNGMzZWU5ZDNkNjExMDZiZTc1YTliOTY1MmZkZGM4MDFmYjhlNDIzMTY2NzZlMTBjMjA2ZGJhNzFhOGQaD2NvcHkgL2NvbnRleHQgLyoLCNX844sGEMSKykQyCwjY/OOLBhDY7MJI'
    expect(decodeTrace(Buffer.from(sent, 'base64'))).toEqual({
      vertexes: [
        {
          digest: 'sha256:c8d7ac3626aabf1ff7691a0afd82cb523e3851ad1113b8e375bcdf6ce9555b1b',
          name: 'copy /context /',
          cached: false,
          started: true,
          completed: true,
          error: '',
        },
      ],
      statuses: [],
      logs: [],
      warnings: [],
    })
  })

  it('finds every text, byte and figure, whatever else is there', () => {
    const size = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
    const bytes = fc.uint8Array().map((array) => Buffer.from(array))
    fc.assert(
      fc.property(fc.string(), bytes, size, size, bytes, (name, message, current, total, other) => {
        const trace = Buffer.concat([
          field(99, other),
          field(1, Buffer.concat([field(1, 'd'), field(98, other), field(3, name), field(4, 1)])),
          field(
            2,
            Buffer.concat([field(1, name), field(2, 'd'), field(4, current), field(5, total)]),
          ),
          field(3, Buffer.concat([field(1, 'd'), field(3, 2), field(4, message)])),
          field(4, Buffer.concat([field(2, 1), field(3, name)])),
        ])
        expect(decodeTrace(trace)).toEqual({
          vertexes: [
            { digest: 'd', name, cached: true, started: false, completed: false, error: '' },
          ],
          statuses: [{ id: name, vertex: 'd', current, total }],
          logs: [{ vertex: 'd', message }],
          warnings: [name],
        })
      }),
    )
  })

  it('ends for whatever it is given', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (array) => {
        try {
          decodeTrace(Buffer.from(array))
        } catch (error) {
          expect((error as Error).message).toMatch(/^the report /)
        }
      }),
    )
  })
})

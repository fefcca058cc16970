import { Readable } from 'node:stream'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readFrames } from './read-frames.ts'

function frameOf(text: Buffer, stream = 1): Buffer {
  const header = Buffer.alloc(8)
  header[0] = stream
  header.writeUInt32BE(text.length, 4)
  return Buffer.concat([header, text])
}

async function read(chunks: readonly Buffer[]): Promise<Buffer[]> {
  const found: Buffer[] = []
  for await (const frames of readFrames(Readable.from(chunks))) found.push(...frames)
  return found
}

it('finds the frames wherever the stream is cut', async () => {
  const piece = fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => Buffer.from(bytes))
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 60 }),
      async (pieces, sizes) => {
        const all = Buffer.concat(pieces.map((each, index) => frameOf(each, 1 + (index % 2))))
        const chunks: Buffer[] = []
        for (let at = 0, n = 0; at < all.length; n++) {
          const size = sizes[n % sizes.length] ?? 1
          chunks.push(all.subarray(at, at + size))
          at += size
        }
        expect(await read(chunks)).toEqual(pieces)
      },
    ),
  )
})

it('leaves out empty frames and what was broken off', async () => {
  const whole = frameOf(Buffer.from('abc'))
  expect(await read([frameOf(Buffer.alloc(0)), whole, whole.subarray(0, 9)])).toEqual([
    Buffer.from('abc'),
  ])
})

it('refuses a frame that no engine sends', async () => {
  const header = Buffer.from([1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff])
  await expect(read([header])).rejects.toThrow('without an end')
})

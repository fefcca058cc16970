import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeFrames, encodeFrame, type Frame } from './log-frames.ts'

async function* cut(whole: Buffer, cuts: readonly number[]) {
  let from = 0
  for (const length of [...cuts, whole.length]) {
    yield whole.subarray(from, from + length)
    from = Math.min(whole.length, from + length)
  }
}

async function decode(bytes: AsyncIterable<Uint8Array>) {
  const frames: Frame[] = []
  for await (const { head, data } of decodeFrames(bytes)) frames.push({ head, data })
  return frames
}

const head = fc.record(
  { seq: fc.nat(), lines: fc.nat(), at: fc.nat(), end: fc.constantFrom('ended', 'gone') },
  { requiredKeys: [] },
)
const data = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))

it('come out as they were put in, wherever the bytes were cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(head, data), { maxLength: 8 }),
      fc.array(fc.nat(40), { maxLength: 30 }),
      async (frames, cuts) => {
        const whole = Buffer.concat(frames.map(([each, bytes]) => encodeFrame(each, bytes)))
        const seen = await decode(cut(whole, cuts))
        expect(seen).toEqual(
          frames.map(([each, bytes]) => ({ head: { ...each, bytes: bytes.length }, data: bytes })),
        )
      },
    ),
  )
})

it('leave out what was cut off at the end, and refuse what is none', async () => {
  const whole = Buffer.concat([encodeFrame({ seq: 1 }, Buffer.from('a\n')), encodeFrame({})])
  expect(await decode(cut(whole.subarray(0, -1), []))).toHaveLength(1)
  await expect(decode(cut(Buffer.from('HTTP/1.1 200 OK'), []))).rejects.toThrow('no frame')
  const greedy = Buffer.from('\0\0\0\u0013{"bytes":999999999}')
  await expect(decode(cut(greedy, []))).rejects.toThrow('no frame')
})

import { Readable } from 'node:stream'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readLines } from './read-lines.ts'

async function all(chunks: readonly Buffer[]): Promise<string[]> {
  const lines: string[] = []
  for await (const line of readLines(Readable.from(chunks))) lines.push(line)
  return lines
}

it('finds the same lines wherever the stream is cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', ' '))),
      fc.array(fc.nat({ max: 50 })),
      async (lines, cuts) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
        const at = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].toSorted(
          (a, b) => a - b,
        )
        const chunks = at.slice(1).map((end, n) => bytes.subarray(at[n], end))
        expect(await all(chunks)).toEqual(lines.filter((line) => line !== ''))
      },
    ),
  )
})

it('takes a last line without an end, and throws what breaks the stream', async () => {
  expect(await all([Buffer.from('a\n\nb')])).toEqual(['a', 'b'])
  const broken = Readable.from(
    (function* () {
      yield Buffer.from('a\nb')
      throw new Error('reset')
    })(),
  )
  const lines: string[] = []
  const read = async () => {
    for await (const line of readLines(broken)) lines.push(line)
  }
  await expect(read()).rejects.toThrow('reset')
  expect(lines).toEqual(['a'])
})

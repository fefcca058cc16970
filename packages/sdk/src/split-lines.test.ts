import fc from 'fast-check'
import { expect, it } from 'vitest'
import { splitLines } from './split-lines.ts'

async function* from(chunks: readonly string[]) {
  yield* chunks
}

it('gives the lines of the whole, however it is broken', async () => {
  const chunks = fc.array(fc.constantFrom('a', '\n', 'bc\nd', '', '\n\n', 'e\r\n'), {
    maxLength: 20,
  })
  await fc.assert(
    fc.asyncProperty(chunks, async (parts) => {
      const lines = parts.join('').split('\n')
      if (lines.at(-1) === '') lines.pop()
      const seen: string[] = []
      for await (const line of splitLines(from(parts))) seen.push(line)
      expect(seen).toEqual(lines)
    }),
  )
})

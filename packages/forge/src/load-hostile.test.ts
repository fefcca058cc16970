import fc from 'fast-check'
import { expect, test } from 'vitest'
import { loadForge } from './load-forge.ts'
import { memoryTree } from './testing/memory-tree.ts'

test('no bytes make it throw', async () => {
  const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
  const yamlLike = fc
    .stringMatching(/^[\n :\-[\]{}&*!|>'"a-f1]{0,60}$/)
    .map((text) => Buffer.from(text))
  const data = fc.json({ maxDepth: 3 }).map((text) => Buffer.from(text))
  const structured = fc
    .dictionary(
      fc.constantFrom(
        'name',
        'phases',
        'artifacts',
        'release',
        'deploy',
        'environments',
        'publishers',
        'tagging',
      ),
      fc.jsonValue({ maxDepth: 4 }),
    )
    .map((value) => Buffer.from(JSON.stringify(value)))
  const file = fc.oneof(bytes, yamlLike, data, structured)
  const format = fc.constantFrom('yaml', 'json')
  await fc.assert(
    fc.asyncProperty(file, file, format, format, async (first, second, one, two) => {
      const tree = memoryTree({
        [`.forge/repo.${one}`]: first,
        [`a/.forge/project.${two}`]: second,
      })
      const result = await loadForge(tree)
      expect(result.ok || result.problems.length > 0).toBe(true)
    }),
    { numRuns: 300 },
  )
})

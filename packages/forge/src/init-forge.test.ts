import { expect, test } from 'vitest'
import { forgeFormats } from './forge-files.ts'
import { initForge } from './init-forge.ts'
import { loadForge } from './load-forge.ts'
import { memoryTree } from './testing/memory-tree.ts'

test.each(forgeFormats)('what init writes in %s loads', async (format) => {
  const files = initForge(format, { project: 'My Shop!' })
  const tree = memoryTree(Object.fromEntries(files.map(({ path, content }) => [path, content])))
  const result = await loadForge(tree)
  expect(result).toMatchObject({ ok: true, projects: [{ name: 'my-shop', path: '.' }] })
})

test('what init writes means the same in every format', async () => {
  const results = await Promise.all(
    forgeFormats.map(async (format) => {
      const files = initForge(format).map(({ path, content }) => [path, content])
      const result = await loadForge(memoryTree(Object.fromEntries(files)))
      return JSON.parse(JSON.stringify(result).replaceAll(`.${format}"`, '"')) as unknown
    }),
  )
  expect(results[0]).toEqual(results[1])
  expect(results[0]).toEqual(results[2])
})

import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { TSchema } from 'typebox'
import { expect, test } from 'vitest'
import { forgeFormats, isForgeFile } from './forge-files.ts'
import { loadForge } from './load-forge.ts'
import { ProjectFile } from './schema/project-file.ts'
import { RepositoryFile } from './schema/repository-file.ts'
import { folderTree } from './testing/folder-tree.ts'

const documents = fileURLToPath(new URL('../../../docs/', import.meta.url))
const samples = fileURLToPath(new URL('../../../examples/', import.meta.url))

test('the example means the same in every format', async () => {
  const results = []
  for (const format of forgeFormats) {
    const result = await loadForge(folderTree(`${documents}examples/forge/${format}`))
    expect(result).toMatchObject({ ok: true })
    results.push(JSON.parse(JSON.stringify(result).replaceAll(`.${format}"`, '"')))
  }
  expect(results[0]).toEqual(results[1])
  expect(results[0]).toEqual(results[2])
})

/** Every key that a schema knows. */
function keysOf(schema: unknown, keys = new Set<string>()): Set<string> {
  if (typeof schema !== 'object' || schema === null) return keys
  for (const [name, child] of Object.entries(schema)) {
    if (name === 'properties') Object.keys(child as TSchema).forEach((key) => keys.add(key))
    if (name !== 'required' && name !== 'enum') keysOf(child, keys)
  }
  return keys
}

const known = [...keysOf(RepositoryFile), ...keysOf(ProjectFile)]

test('the documentation describes every key', async () => {
  const text = await readFile(`${documents}configuration.md`, 'utf8')
  expect(known.filter((key) => !text.includes(`\`${key}\``))).toEqual([])
})

test('the example shows every key', async () => {
  const root = `${documents}examples/forge/yaml/`
  const files = ['.forge/repo.yaml', 'services/shop/.forge/project.yaml']
  const text = (await Promise.all(files.map((file) => readFile(root + file, 'utf8')))).join('\n')
  expect(known.filter((key) => !new RegExp(`(^|[\\s{-])${key}:`, 'm').test(text))).toEqual([])
})

test('the sample monorepo shows each format and loads', async () => {
  const result = await loadForge(folderTree(`${samples}monorepo`))
  expect(result).toMatchObject({
    ok: true,
    repository: { phases: [{ group: 1 }, { group: 2 }, { group: 3 }] },
    projects: [{ name: 'api' }, { name: 'docs' }, { name: 'web' }],
  })
  if (!result.ok) return
  expect(result.projects.map((project) => project.file.replace(/^.*\./, '')).toSorted()).toEqual([
    'cue',
    'json',
    'yaml',
  ])
})

test('what is copied over the sample has no configuration of its own', async () => {
  const tree = folderTree(`${samples}overlays`)
  const paths = await (tree.list() as Promise<string[]>)
  expect(paths).not.toEqual([])
  expect(paths.filter(isForgeFile)).toEqual([])
})

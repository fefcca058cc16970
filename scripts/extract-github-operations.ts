// Writes test/support/github/openapi.gen.json: of GitHub's published API description (npm's
// @octokit/openapi, MIT, too large to depend on) the operations that the stand-in answers.
import { readFile, writeFile } from 'node:fs/promises'
import { openApiVersion, operationIds } from '../test/support/github/operations.ts'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
type Mapping = { [key: string]: Json }

const [source] = process.argv.slice(2)
if (source === undefined) throw new Error('Say which file: …/generated/api.github.com.json')
const description = JSON.parse(await readFile(source, 'utf8')) as Mapping
const { info, paths, components } = description as Record<string, Mapping>
if (info?.['version'] !== openApiVersion) throw new Error(`This is not ${openApiVersion}`)

const wanted = new Set<string>(operationIds)
const taken: Mapping = {}
for (const [path, methods] of Object.entries(paths ?? {})) {
  for (const [method, operation] of Object.entries(methods as Mapping)) {
    const { operationId } = operation as Mapping
    if (typeof operationId !== 'string' || !wanted.delete(operationId)) continue
    taken[path] = { ...(taken[path] as Mapping | undefined), [method]: slim(operation) }
  }
}
if (wanted.size > 0) throw new Error(`There is no operation ${[...wanted].join(', ')}`)

/** Parts that are referred to, by kind and name. */
const referred: Record<string, Mapping> = {}
follow(taken)

const result = {
  source: `@octokit/openapi ${openApiVersion}, MIT License, Copyright (c) 2020 Octokit contributors`,
  paths: taken,
  components: referred,
}
const target = new URL('../test/support/github/openapi.gen.json', import.meta.url)
await writeFile(target, `${JSON.stringify(result)}\n`)

/** Without what only people read. */
function slim(node: Json, isNames = false): Json {
  if (Array.isArray(node)) return node.map((item) => slim(item))
  if (typeof node !== 'object' || node === null) return node
  const kept = Object.entries(node).filter(
    ([key, value]) =>
      isNames ||
      !(
        (['description', 'summary', 'title', 'example'].includes(key) &&
          typeof value !== 'object') ||
        ['externalDocs', 'tags', 'x-github', 'servers'].includes(key)
      ),
  )
  return Object.fromEntries(kept.map(([key, value]) => [key, slim(value, key === 'properties')]))
}

function follow(node: Json): void {
  if (Array.isArray(node)) return node.forEach(follow)
  if (typeof node !== 'object' || node === null) return
  for (const [key, value] of Object.entries(node)) {
    if (key !== '$ref' || typeof value !== 'string') {
      follow(value)
      continue
    }
    const [kind = '', name = ''] = value.replace('#/components/', '').split('/')
    if (referred[kind]?.[name] !== undefined) continue
    const part = (components?.[kind] as Mapping | undefined)?.[name]
    if (part === undefined) throw new Error(`There is no ${value}`)
    // An example is data: its keys are no keywords.
    const slimmed = kind === 'examples' ? part : slim(part)
    referred[kind] = { ...referred[kind], [name]: slimmed }
    follow(slimmed)
  }
}

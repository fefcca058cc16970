import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** What may be at one place of an object: `any` where the schema does not say. */
type Shape =
  | { kind: 'any' }
  | { kind: 'fields'; fields: Map<string, () => Shape> }
  | { kind: 'each'; of: () => Shape }
  | { kind: 'map'; of: () => Shape }

const any: Shape = { kind: 'any' }

/**
 * Paths of fields that the published schema does not have, as an API server refuses them with strict
 * validation. The compiled validators let them pass, so the names are read from the types beside them.
 *
 * @param module of `kubernetes-models` and its kin, such as `kubernetes-models/batch/v1/Job`
 */
export function unknownFields(module: string, object: unknown): string[] {
  const [, name = ''] = /([^/]+)$/.exec(module) ?? []
  const from = findTypes(import.meta.url, module)
  if (from === null) throw new Error(`there are no types of ${module}`)
  const found: string[] = []
  walk(readInterface(from, `I${name}`), object, '', found)
  return found
}

function walk(shape: Shape, value: unknown, path: string, found: string[]): void {
  if (shape.kind === 'any' || value === null || typeof value !== 'object') return
  if (shape.kind === 'each') {
    if (Array.isArray(value))
      value.forEach((item, at) => walk(shape.of(), item, `${path}[${at}]`, found))
    return
  }
  for (const [name, inner] of Object.entries(value)) {
    const below = path === '' ? name : `${path}.${name}`
    if (shape.kind === 'map') walk(shape.of(), inner, below, found)
    else {
      const field = shape.fields.get(name)
      if (field === undefined) found.push(below)
      else walk(field(), inner, below, found)
    }
  }
}

const files = new Map<string, Map<string, () => Shape>>()

function readInterface(file: string, name: string): Shape {
  return readFile(file).get(name)?.() ?? any
}

/** The interfaces of a generated file of types, by name. */
function readFile(file: string): Map<string, () => Shape> {
  const known = files.get(file)
  if (known !== undefined) return known
  const shapes = new Map<string, () => Shape>()
  files.set(file, shapes)
  const text = readFileSync(file, 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '')
  const imported = new Map<string, () => Shape>()
  for (const [, names = '', from = ''] of text.matchAll(/^import \{([^}]+)\} from "([^"]+)";/gm)) {
    for (const alias of names.split(',').map((each) => each.trim())) {
      imported.set(alias, () => {
        const target = locate(file, from)
        return target === null ? any : readExported(target, alias)
      })
    }
  }
  for (const match of text.matchAll(/export (?:declare )?interface (\w+)[^{]*\{/g)) {
    const start = match.index + match[0].length - 1
    shapes.set(match[1] ?? '', () => readType({ text, at: start, imported }))
  }
  return shapes
}

/** Files export each interface by its long name as well, at their end. */
function readExported(file: string, alias: string): Shape {
  const text = readFileSync(file, 'utf8')
  const own = new RegExp(`(\\w+) as ${alias}\\b`).exec(text)?.[1] ?? alias
  return readInterface(file, own)
}

function locate(file: string, from: string): string | null {
  if (!from.startsWith('.')) return findTypes(file, from)
  const target = `${join(dirname(file), from).replace(/\.js$/, '')}.d.ts`
  return existsSync(target) ? target : null
}

/** The types of a module as `file` would find it, also of one that can only be imported. */
function findTypes(file: string, module: string): string | null {
  const places = createRequire(file).resolve.paths(module) ?? []
  return places.map((place) => join(place, `${module}.d.ts`)).find(existsSync) ?? null
}

interface Cursor {
  text: string
  at: number
  imported: Map<string, () => Shape>
}

/** Reads the type that begins at the cursor, and leaves the cursor behind it. */
function readType(cursor: Cursor): Shape {
  skipSpace(cursor)
  const { text, imported } = cursor
  if (text[cursor.at] === '{') return readBraces(cursor)
  if (text.startsWith('Array<', cursor.at)) {
    cursor.at += 'Array<'.length
    const inner = readType(cursor)
    cursor.at = text.indexOf('>', cursor.at) + 1
    return { kind: 'each', of: () => inner }
  }
  const [word = ''] = /^[^;>]*/.exec(text.slice(cursor.at)) ?? []
  cursor.at += word.length
  return imported.get(word.trim())?.() ?? any
}

function readBraces(cursor: Cursor): Shape {
  const { text } = cursor
  const fields = new Map<string, () => Shape>()
  let each: Shape | null = null
  cursor.at++
  for (;;) {
    skipSpace(cursor)
    if (text[cursor.at] === '}') {
      cursor.at++
      if (each !== null) {
        const of = each
        return { kind: 'map', of: () => of }
      }
      return fields.size === 0 ? any : { kind: 'fields', fields }
    }
    const match = /^(?:"([^"]+)"\??|\[key: string\]): /.exec(text.slice(cursor.at, cursor.at + 300))
    if (match === null) throw new Error(`no field at ${text.slice(cursor.at, cursor.at + 80)}`)
    cursor.at += match[0].length
    const start = cursor.at
    skipType(cursor)
    const shape = lazily(() => readType({ ...cursor, at: start }))
    if (match[1] === undefined) each = { kind: 'map', of: shape }.of()
    else fields.set(match[1], shape)
    skipSpace(cursor)
    if (text[cursor.at] === ';') cursor.at++
  }
}

/** Schemas refer to themselves: nothing is read before it is asked for. */
function lazily(read: () => Shape): () => Shape {
  let known: Shape | null = null
  return () => (known ??= read())
}

/** To the semicolon that ends a field. */
function skipType(cursor: Cursor): void {
  let depth = 0
  for (let inText = false; cursor.at < cursor.text.length; cursor.at++) {
    const character = cursor.text[cursor.at]
    if (character === '"') inText = !inText
    if (inText) continue
    if (character === '{') depth++
    else if (character === '}') depth--
    else if (character === ';' && depth === 0) return
  }
}

function skipSpace(cursor: Cursor): void {
  while (/\s/.test(cursor.text[cursor.at] ?? '')) cursor.at++
}

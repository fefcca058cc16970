import { childPointer } from './json-pointer.ts'
import { limits } from './limits.ts'
import {
  badKey,
  badText,
  DocumentError,
  type DocumentProblem,
  type ParsedDocument,
  tooDeep,
  tooManyValues,
} from './parsed-document.ts'

const whitespace = /[ \t\n\r]*/y
const numberSyntax = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
// Control characters are refused inside strings, as RFC 8259 says; JSON.parse then decodes the escapes.
// oxlint-disable-next-line no-control-regex
const stringSyntax = /"(?:[^"\\\u0000-\u001f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"/y
const literals = { true: true, false: false, null: null } as const

/**
 * Reads strict JSON (RFC 8259) and remembers the line of every value. Duplicate keys,
 * `__proto__`, NUL characters and too much nesting are problems. Never throws.
 */
export function readJson(text: string): ParsedDocument {
  const reader = createReader(text)
  try {
    const value = reader.document()
    const { problems, lines } = reader
    return problems.length > 0
      ? { ok: false, problems }
      : { ok: true, value, lineOf: (pointer) => lines.get(pointer) }
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error
    return { ok: false, problems: [...reader.problems, error.problem] }
  }
}

function createReader(text: string) {
  const lines = new Map<string, number>()
  const problems: DocumentProblem[] = []
  let position = 0
  let line = 1
  let values = 0

  function skipWhitespace(): void {
    whitespace.lastIndex = position
    const skipped = whitespace.exec(text)?.[0] ?? ''
    for (const character of skipped) if (character === '\n') line += 1
    position += skipped.length
  }

  function fail(expected: string): never {
    const rest = text.slice(position, position + 12)
    const found = rest === '' ? 'the end of the file' : JSON.stringify(rest.slice(0, 1))
    throw new DocumentError({
      path: '',
      line,
      message: `This is not JSON: expected ${expected}, found ${found}.`,
    })
  }

  function take(character: string): boolean {
    if (text[position] !== character) return false
    position += 1
    return true
  }

  function readString(expected: string): string {
    stringSyntax.lastIndex = position
    const match = stringSyntax.exec(text)
    if (match !== null) {
      position += match[0].length
      return JSON.parse(match[0]) as string
    }
    if (text[position] !== '"') fail(expected)
    throw new DocumentError({
      path: '',
      line,
      message: 'This is not JSON: a string is not closed, or holds a line break or a wrong escape.',
    })
  }

  function readScalar(pointer: string): unknown {
    if (text[position] === '"') {
      const at = line
      const value = readString('a value')
      const reason = badText(value)
      if (reason !== null) problems.push({ path: pointer, line: at, message: reason })
      return value
    }
    for (const [word, value] of Object.entries(literals)) {
      if (text.startsWith(word, position)) {
        position += word.length
        return value
      }
    }
    numberSyntax.lastIndex = position
    const match = numberSyntax.exec(text)
    if (match === null) fail('a value')
    position += match[0].length
    const value = Number(match[0])
    if (!Number.isFinite(value))
      problems.push({ path: pointer, line, message: 'is too large a number.' })
    return value
  }

  function readArray(pointer: string, depth: number): unknown[] {
    const items: unknown[] = []
    skipWhitespace()
    if (take(']')) return items
    for (;;) {
      items.push(readValue(childPointer(pointer, items.length), depth + 1))
      if (take(']')) return items
      if (!take(',')) fail('"," or "]"')
    }
  }

  function readObject(pointer: string, depth: number): Record<string, unknown> {
    const entries = new Map<string, unknown>()
    skipWhitespace()
    if (take('}')) return {}
    for (;;) {
      skipWhitespace()
      const at = line
      const key = readString('a key in double quotes')
      const child = childPointer(pointer, key)
      const reason = entries.has(key) ? `The key "${key}" appears twice.` : badKey(key)
      if (reason !== null) problems.push({ path: child, line: at, message: reason })
      skipWhitespace()
      if (!take(':')) fail('":"')
      const value = readValue(child, depth + 1)
      lines.set(child, at)
      if (reason === null) entries.set(key, value)
      if (take('}')) return Object.fromEntries(entries)
      if (!take(',')) fail('"," or "}"')
    }
  }

  function readValue(pointer: string, depth: number): unknown {
    skipWhitespace()
    values += 1
    if (values > limits.values) throw new DocumentError({ path: '', message: tooManyValues })
    if (depth > limits.depth) throw new DocumentError({ path: pointer, line, message: tooDeep })
    lines.set(pointer, line)
    const value = take('{')
      ? readObject(pointer, depth)
      : take('[')
        ? readArray(pointer, depth)
        : readScalar(pointer)
    skipWhitespace()
    return value
  }

  return {
    lines,
    problems,
    document: (): unknown => {
      const value = readValue('', 0)
      if (position < text.length) fail('the end of the file')
      return value
    },
  }
}

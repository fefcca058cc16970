import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
} from 'yaml'
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
import { parseYaml, type YamlFault } from './parse-yaml.ts'

/**
 * Reads one document of YAML 1.2 (core schema) and remembers the line of every value.
 * Custom tags, other YAML versions, duplicate keys, keys that are no strings and what
 * expands beyond the limits are problems. Never throws.
 */
export function readYaml(text: string): ParsedDocument {
  const lineCounter = new LineCounter()
  const lineAt = (offset: number | undefined): number | undefined =>
    offset === undefined ? undefined : lineCounter.linePos(offset).line || undefined

  const document = parseYaml(text, lineCounter)
  if (Array.isArray(document)) {
    const problems = document.map((fault) => problem('', lineAt(fault.offset), explain(fault)))
    return { ok: false, problems }
  }
  const version = document.directives.yaml
  if (version.explicit === true && version.version !== '1.2') {
    const message = `YAML ${version.version} is not supported; leave the %YAML line out.`
    return { ok: false, problems: [{ path: '', line: 1, message }] }
  }

  const converter = createConverter(document, lineAt)
  try {
    const value = converter.document()
    const { problems, lines } = converter
    return problems.length > 0
      ? { ok: false, problems }
      : { ok: true, value, lineOf: (pointer) => lines.get(pointer) }
  } catch (error) {
    if (!(error instanceof DocumentError)) throw error
    return { ok: false, problems: [...converter.problems, error.problem] }
  }
}

function explain({ code, message }: YamlFault): string {
  if (code === 'MULTIPLE_DOCS') return 'The file holds more than one YAML document.'
  if (code === 'TAG_RESOLVE_FAILED') return `Tags are not allowed: ${message}.`
  if (code === 'TOO_DEEP') return `The file ${tooDeep}`
  const first = message.split('\n')[0] ?? message
  return `This is not YAML: ${first.charAt(0).toLowerCase()}${first.slice(1).replace(/\.$/, '')}.`
}

function problem(path: string, line: number | undefined, message: string): DocumentProblem {
  return { path, ...(line === undefined ? {} : { line }), message }
}

function createConverter(
  document: Document.Parsed,
  lineAt: (offset: number | undefined) => number | undefined,
) {
  const lines = new Map<string, number>()
  const problems: DocumentProblem[] = []
  const anchors = new Map<string, Node>()
  // An alias means the anchor that was last before it in the text, also when it is expanded again later.
  const targets = new Map<Alias, Node>()
  let expanding = 0
  let values = 0

  function lineOf(node: unknown): number | undefined {
    return lineAt((node as Node | null)?.range?.[0])
  }

  function note(pointer: string, line: number | undefined): void {
    if (line !== undefined) lines.set(pointer, line)
  }

  function convert(
    node: unknown,
    pointer: string,
    depth: number,
    line: number | undefined,
  ): unknown {
    values += 1
    if (values > limits.values) throw new DocumentError({ path: '', message: tooManyValues })
    if (depth > limits.depth) throw new DocumentError(problem(pointer, line, tooDeep))
    if (isAlias(node)) return convertAlias(node, pointer, depth, line)
    if (isMap(node)) {
      const value = convertMap(node.items, pointer, depth)
      return remember(node, value)
    }
    if (isSeq(node)) {
      const items = node.items.map((item, index) => {
        const child = childPointer(pointer, index)
        const at = lineOf(item) ?? line
        note(child, at)
        return convert(item, child, depth + 1, at)
      })
      return remember(node, items)
    }
    if (isScalar(node)) return remember(node, convertScalar(node.value, pointer, line))
    return null
  }

  // An anchor counts from the end of its node: an alias inside of it would never end.
  function remember(node: Node & { anchor?: string }, value: unknown): unknown {
    if (node.anchor !== undefined && expanding === 0) anchors.set(node.anchor, node)
    return value
  }

  function convertAlias(
    alias: Alias,
    pointer: string,
    depth: number,
    line: number | undefined,
  ): unknown {
    const target = targets.get(alias) ?? anchors.get(alias.source)
    if (target !== undefined) {
      targets.set(alias, target)
      expanding += 1
      const value = convert(target, pointer, depth, line)
      expanding -= 1
      return value
    }
    problems.push(problem(pointer, line, `The alias *${alias.source} has no anchor before it.`))
    return null
  }

  function convertScalar(value: unknown, pointer: string, line: number | undefined): unknown {
    if (typeof value === 'string') {
      const reason = badText(value)
      if (reason !== null) problems.push(problem(pointer, line, reason))
    } else if (typeof value === 'number' && !Number.isFinite(value)) {
      problems.push(problem(pointer, line, 'must be a finite number.'))
    }
    return value
  }

  function convertMap(pairs: Pair[], pointer: string, depth: number): Record<string, unknown> {
    const entries = new Map<string, unknown>()
    for (const pair of pairs) {
      const line = lineOf(pair.key)
      const key: unknown = isScalar(pair.key) ? pair.key.value : undefined
      if (typeof key !== 'string') {
        problems.push(problem(pointer, line, 'A key must be a string; put it in quotes.'))
        continue
      }
      const child = childPointer(pointer, key)
      note(child, line)
      const reason = entries.has(key) ? `The key "${key}" appears twice.` : badKey(key)
      const value = convert(pair.value, child, depth + 1, line)
      if (reason === null) entries.set(key, value)
      else problems.push(problem(child, line, reason))
    }
    return Object.fromEntries(entries)
  }

  return {
    lines,
    problems,
    document: (): unknown => {
      note('', lineOf(document.contents) ?? 1)
      return convert(document.contents, '', 0, lines.get(''))
    },
  }
}

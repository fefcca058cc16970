import type { ConfigurationFormat, ConfigurationTarget } from '@slipway/contract/configurations'
import { textPattern } from '@slipway/contract/fields'
import { targetPathProblem } from '../branding/index.ts'
import type { Leaf } from './thread/messages.ts'

const storable = new RegExp(textPattern, 'u')

interface Problem {
  path: string
  message: string
}

/** What settings are merged into where a configuration does not say. */
const defaultTargets: readonly ConfigurationTarget[] = [{ path: '.env', format: 'env' }]

export function targetsOf(targets: readonly ConfigurationTarget[]): readonly ConfigurationTarget[] {
  return targets.length === 0 ? defaultTargets : targets
}

/** Keys on the way to a value, and bytes of all settings as JSON. */
const limits = { depth: 50, bytes: 512 * 1024 }

/**
 * The values of settings and the keys that lead to each: a dot parts keys, `\.` is one in a key, and
 * the keys of an object are as they are. In env, a key is one name.
 */
export function leavesOf(
  settings: Readonly<Record<string, unknown>>,
  format: ConfigurationFormat,
): Leaf[] {
  return Object.entries(settings).flatMap(([key, value]) =>
    format === 'env' ? [{ path: [key], value }] : leavesBelow(splitKey(key), value),
  )
}

function leavesBelow(path: string[], value: unknown): Leaf[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [{ path, value }]
  const inner = Object.entries(value)
  if (inner.length === 0) return [{ path, value }]
  return inner.flatMap(([key, below]) => leavesBelow([...path, key], below))
}

function splitKey(key: string): string[] {
  return Array.from(key.matchAll(/(?:^|\.)((?:\\[\s\S]|[^.\\])*\\?)/g), ([, part = '']) =>
    part.replaceAll(/\\([.\\])/g, '$1'),
  )
}

/** Everything that keeps settings from being merged into targets. */
export function settingsProblems(
  settings: Readonly<Record<string, unknown>>,
  targets: readonly ConfigurationTarget[],
): Problem[] {
  const problems = [...targetProblems(targets)]
  const formats = new Set(targetsOf(targets).map(({ format }) => format))
  const depth = depthOf(settings, limits.depth + 1)
  if (depth > limits.depth) {
    return [...problems, { path: '/settings', message: `is nested deeper than ${limits.depth}` }]
  }
  const json = JSON.stringify(settings)
  if (Buffer.byteLength(json) > limits.bytes) {
    problems.push({ path: '/settings', message: `is larger than ${limits.bytes} bytes` })
  }
  for (const [key, value] of Object.entries(settings)) {
    for (const message of entryProblems(key, value, formats)) {
      problems.push({ path: `/settings/${key}`, message })
    }
  }
  if (formats.has('env') && formats.size === 1) return problems
  return [...problems, ...conflicts(settings)]
}

function* targetProblems(targets: readonly ConfigurationTarget[]): Iterable<Problem> {
  const seen = new Set<string>()
  for (const [index, { path }] of targets.entries()) {
    const problem = targetPathProblem(path)
    if (problem !== null) yield { path: `/targets/${index}/path`, message: problem }
    if (seen.has(path)) yield { path: `/targets/${index}/path`, message: `is there twice: ${path}` }
    seen.add(path)
  }
}

function* entryProblems(
  key: string,
  value: unknown,
  formats: ReadonlySet<ConfigurationFormat>,
): Iterable<string> {
  if (formats.has('env')) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) {
      yield 'is no name of an environment variable, which env needs'
    }
    if (typeof value === 'object') yield 'must be a text, a number or a boolean for env'
  }
  const path = splitKey(key)
  if (formats.size > 1 || !formats.has('env')) {
    if (path.includes('')) yield 'has an empty key'
  }
  const keys = new Set([...path, ...keysIn(value)])
  if (keys.has('__proto__')) yield 'must not hold the key __proto__'
  if (formats.has('toml') && holds(value, (inner) => inner === null)) {
    yield 'holds null, which toml does not have'
  }
  if (holds(value, isBadText) || [...keys].some(isBadText)) {
    yield 'must not hold NUL or half a surrogate pair'
  }
}

/** Keys below which others are, while they have a value themselves. */
function* conflicts(settings: Readonly<Record<string, unknown>>): Iterable<Problem> {
  const leaves = new Set<string>()
  for (const { path } of leavesOf(settings, 'json')) {
    const name = JSON.stringify(path)
    if (leaves.has(name)) yield { path: '/settings', message: `sets ${path.join('.')} twice` }
    leaves.add(name)
  }
  for (const { path } of leavesOf(settings, 'json')) {
    for (let length = 1; length < path.length; length++) {
      const above = path.slice(0, length)
      if (!leaves.has(JSON.stringify(above))) continue
      const message = `sets ${above.join('.')}, and ${path.join('.')} below it`
      yield { path: '/settings', message }
    }
  }
}

function depthOf(value: unknown, most: number): number {
  if (typeof value !== 'object' || value === null || most === 0) return 0
  let deepest = 0
  for (const inner of Object.values(value)) deepest = Math.max(deepest, depthOf(inner, most - 1))
  return 1 + deepest
}

function keysIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return value.flatMap(keysIn)
  return Object.entries(value).flatMap(([key, inner]) => [key, ...keysIn(inner)])
}

function holds(value: unknown, test: (scalar: unknown) => boolean): boolean {
  if (typeof value !== 'object' || value === null) return test(value)
  return Object.values(value).some((inner) => holds(inner, test))
}

/** PostgreSQL stores neither. */
function isBadText(value: unknown): boolean {
  return typeof value === 'string' && !storable.test(value)
}

import { AppError } from '../../errors.ts'
import type { GiveWay } from './give-way.ts'

/** Whether the file at a path, relative to the context, stays out of it. */
export type IsIgnored = (path: string) => Promise<boolean>

/** One thing that a pattern asks for; `many` and `folders` may take nothing. */
type Token =
  /** This character. */
  | { kind: 'one'; char: string }
  /** Any character but a slash. */
  | { kind: 'any' }
  | { kind: 'class'; isNegated: boolean; ranges: readonly (readonly [string, string])[] }
  /** `*`: any number of characters but slashes. */
  | { kind: 'many' }
  /** `**`: any number of characters. */
  | { kind: 'all' }
  /** `**` and a slash: nothing, or something that ends in a slash. */
  | { kind: 'folders' }

/** More than this is not a list that somebody wrote: patterns, and characters of one. */
const maxPatterns = 10_000
const longestPattern = 1_000

/**
 * Reads a `.dockerignore` (https://docs.docker.com/build/concepts/context/#dockerignore-files): the last
 * pattern that matches a path, or a folder above it, decides. Matching takes time in proportion to the
 * path and the pattern, whatever they are, and gives way to others between two patterns. An AppError
 * `invalid_request` where it is too much: what it names would otherwise not be left out.
 */
export function parseDockerIgnore(text: string, giveWay: GiveWay): IsIgnored {
  const patterns = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.trim())
    .flatMap((line) => {
      const isException = line.startsWith('!')
      const path = cleaned(isException ? line.slice(1).trim() : line)
      return path === '' ? [] : [{ isException, tokens: tokensOf(path) }]
    })
  if (patterns.length > maxPatterns) throw tooMuch(`more than ${maxPatterns} patterns`)
  if (patterns.some(({ tokens }) => tokens.length > longestPattern)) {
    throw tooMuch(`a pattern of more than ${longestPattern} characters`)
  }
  return async (path) => {
    let isIgnored = false
    for (const { isException, tokens } of patterns) {
      // Where it would change nothing, it need not be asked.
      if (isIgnored === isException && matches(tokens, path)) isIgnored = !isException
      const others = giveWay()
      if (others !== null) await others
    }
    return isIgnored
  }
}

function tooMuch(what: string): AppError {
  return new AppError('invalid_request', `The list of ignored files has ${what}`)
}

/** Without a slash at its ends, `.` and empty parts; `..` takes away the part before it. */
function cleaned(pattern: string): string {
  const parts: string[] = []
  for (const part of pattern.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..') parts.pop()
    else parts.push(part)
  }
  return parts.join('/')
}

function tokensOf(pattern: string): Token[] {
  const tokens: Token[] = []
  for (let at = 0; at < pattern.length;) {
    const char = pattern[at] as string
    if (pattern.startsWith('**', at)) {
      while (pattern[at] === '*') at++
      const isFolders = pattern[at] === '/'
      tokens.push({ kind: isFolders ? 'folders' : 'all' })
      at += isFolders ? 1 : 0
      continue
    }
    at += 1
    if (char === '*') tokens.push({ kind: 'many' })
    else if (char === '?') tokens.push({ kind: 'any' })
    else if (char === '\\' && at < pattern.length) {
      tokens.push({ kind: 'one', char: pattern[at++] as string })
    } else if (char === '[') {
      const found = classAt(pattern, at)
      tokens.push(found?.token ?? { kind: 'one', char })
      at = found?.end ?? at
    } else tokens.push({ kind: 'one', char })
  }
  return tokens
}

/** What stands in brackets; null where they do not end. */
function classAt(pattern: string, start: number): { token: Token; end: number } | null {
  const isNegated = pattern[start] === '^' || pattern[start] === '!'
  const ranges: [string, string][] = []
  let at = start + (isNegated ? 1 : 0)
  const next = (): string | undefined => {
    if (pattern[at] === '\\') at += 1
    return pattern[at++]
  }
  for (let isFirst = true; isFirst || pattern[at] !== ']'; isFirst = false) {
    const low = next()
    if (low === undefined) return null
    let high: string | undefined = low
    if (pattern[at] === '-' && pattern[at + 1] !== ']') {
      at += 1
      high = next()
    }
    if (high === undefined) return null
    ranges.push([low, high])
  }
  return { token: { kind: 'class', isNegated, ranges }, end: at + 1 }
}

/** Follows all ways through the pattern at once, and is satisfied with a folder above the path. */
function matches(tokens: readonly Token[], path: string): boolean {
  let states = withoutCost(tokens, new Set([0]), true)
  for (let at = 0; at <= path.length; at++) {
    const isEnd = at === path.length || path[at] === '/'
    if (isEnd && at > 0 && states.has(tokens.length)) return true
    if (states.size === 0 || at === path.length) return false
    const char = path[at] as string
    const reached = new Set<number>()
    for (const state of states) {
      const token = tokens[state]
      if (token === undefined) continue
      if (token.kind === 'many' ? char !== '/' : token.kind === 'all' || token.kind === 'folders') {
        reached.add(state)
      }
      if (takes(token, char)) reached.add(state + 1)
    }
    states = withoutCost(tokens, reached, char === '/')
  }
  return false
}

/** Adds what is reached by letting `many`, `all` and, behind a slash or at the start, `folders` take nothing. */
function withoutCost(
  tokens: readonly Token[],
  states: Set<number>,
  isBehindSlash: boolean,
): Set<number> {
  // What is added while a set is walked is walked as well.
  for (const state of states) {
    const kind = tokens[state]?.kind
    if (kind === 'many' || kind === 'all' || (kind === 'folders' && isBehindSlash)) {
      states.add(state + 1)
    }
  }
  return states
}

function takes(token: Token, char: string): boolean {
  switch (token.kind) {
    case 'one':
      return token.char === char
    case 'any':
      return char !== '/'
    case 'class':
      return (
        char !== '/' &&
        token.ranges.some(([low, high]) => low <= char && char <= high) !== token.isNegated
      )
    default:
      return false
  }
}

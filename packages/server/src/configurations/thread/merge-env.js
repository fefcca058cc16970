import { Refusal } from './refusal.js'

/** @import { Leaf, Merged } from './messages.ts' */

/**
 * An assignment: where its value is written, quotes and all, and what it is; null: that takes a shell.
 * @typedef {{ start: number, end: number, value: string | null }} Assignment
 */

const assignment = /[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*/y
const restOfLine = /[^\r\n]*(?:\r\n|\n|\r|$)/y

/**
 * Puts values into a file of `NAME=value` lines: where a name is there, its last value is replaced, and
 * what is new comes last. Comments, order and everything else stay as they are.
 * @param {string | null} text
 * @param {readonly Leaf[]} leaves
 * @returns {Merged}
 */
export function mergeEnv(text, leaves) {
  const before = text ?? ''
  const there = readEnv(before)
  const newline = /\r\n/.test(before) ? '\r\n' : '\n'
  const counts = { added: 0, changed: 0, same: 0 }
  /** @type {(Assignment & { written: string })[]} */
  const replaced = []
  let added = ''
  for (const { path, value } of leaves) {
    const name = path.join('.')
    const wanted = String(value)
    const found = there.get(name)
    if (found === undefined) {
      added += `${name}=${quoteEnv(wanted)}${newline}`
      counts.added += 1
    } else if (found.value === wanted) counts.same += 1
    else {
      replaced.push({ ...found, written: quoteEnv(wanted) })
      counts.changed += 1
    }
  }
  let result = ''
  let at = 0
  for (const { start, end, written } of replaced.toSorted((a, b) => a.start - b.start)) {
    result += before.slice(at, start) + written
    at = end
  }
  result += before.slice(at)
  if (added !== '' && result !== '' && !/[\r\n]$/.test(result)) result += newline
  return { text: result + added, ...counts }
}

/**
 * The last assignment of each name, in the order of the file.
 * @param {string} text
 * @returns {Map<string, Assignment>}
 */
export function readEnv(text) {
  /** @type {Map<string, Assignment>} */
  const found = new Map()
  for (let at = text.startsWith('\ufeff') ? 1 : 0; at < text.length;) {
    assignment.lastIndex = at
    const match = assignment.exec(text)
    if (match !== null) {
      const start = assignment.lastIndex
      const value = readValue(text, start)
      found.set(match[1] ?? '', { start, ...value })
      at = value.end
    }
    restOfLine.lastIndex = at
    at += restOfLine.exec(text)?.[0].length ?? text.length
  }
  return found
}

/**
 * @param {string} text
 * @param {number} start
 * @returns {{ end: number, value: string | null }}
 */
function readValue(text, start) {
  const quote = text[start]
  const closed = quote === '"' || quote === "'" ? endOfQuoted(text, start, quote) : null
  if (closed !== null) {
    const rest = /^[ \t]*(?:#[^\r\n]*)?(?=[\r\n]|$)/.test(lineFrom(text, closed))
    const inner = text.slice(start + 1, closed - 1)
    if (rest) return { end: closed, value: quote === "'" ? inner : readDoubleQuoted(inner) }
    // Such as "a"b: only a shell knows what that comes to.
    return { end: start + lineFrom(text, start).trimEnd().length, value: null }
  }
  const line = lineFrom(text, start)
  const plain = line.replace(/(?:^|[ \t])#.*$/, '').trimEnd()
  const isPlain = !/[\\$`"']/.test(plain)
  return { end: start + plain.length, value: isPlain ? plain : null }
}

/**
 * @param {string} text
 * @param {number} at
 */
function lineFrom(text, at) {
  const length = text.slice(at).search(/[\r\n]/)
  return length < 0 ? text.slice(at) : text.slice(at, at + length)
}

/**
 * Where a quoted value ends, behind its quote; it may have several lines.
 * @param {string} text
 * @param {number} start
 * @param {string} quote
 */
function endOfQuoted(text, start, quote) {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === quote) return at + 1
    if (quote === '"' && text[at] === '\\') at += 1
  }
  const line = text.slice(0, start).split('\n').length
  throw new Refusal(`has a quote that is not closed on line ${line}`)
}

/**
 * @param {string} inner
 * @returns {string | null} null: something is to be expanded
 */
function readDoubleQuoted(inner) {
  if (/(?<!\\)(?:\\\\)*[$`]/.test(inner)) return null
  return inner.replaceAll(/\\([\\"$`])/g, '$1')
}

/**
 * A value as a POSIX shell, and what reads such files as one does, takes it back.
 * @param {string} value
 */
export function quoteEnv(value) {
  if (/^[A-Za-z0-9_./:@%+,=-]*$/.test(value)) return value
  if (!value.includes("'")) return `'${value}'`
  return `"${value.replaceAll(/[\\"$`]/g, String.raw`\$&`)}"`
}

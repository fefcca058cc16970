import { isUtf8 } from 'node:buffer'

/** @import { Rule } from './compile-rules.js' */

/** A text larger than this may keep a pattern busy for long: characters. */
const largeText = 16_384

/** Why a file cannot be rewritten, in words for people. */
export class RewriteError extends Error {}

/**
 * Whether bytes are text: valid UTF-8 without NUL. Whatever else there is stays as it is.
 * @param {Buffer} bytes
 */
export function isText(bytes) {
  return !bytes.includes(0) && isUtf8(bytes)
}

/**
 * Applies rules in their order to a text, each to what the ones before it left.
 * @param {Buffer} bytes is text
 * @param {readonly { rule: Rule, index: number }[]} rules those that are for this file
 * @param {{ maxBytes: number, onLarge: (rule: number) => void }} options `onLarge` is told of a pattern before
 *   it may take long
 * @returns {{ bytes: Buffer, counts: Map<number, number> }} matches by the rule's index
 */
export function rewriteText(bytes, rules, { maxBytes, onLarge }) {
  /** @type {Map<number, number>} */
  const counts = new Map()
  let current = bytes
  /** @type {string | null} */
  let text = null
  for (const { rule, index } of rules) {
    let count = 0
    if (rule.kind === 'text') {
      if (text !== null) current = Buffer.from(text)
      text = null
      const done = replaceBytes(current, rule, maxBytes)
      current = done.bytes
      count = done.count
    } else {
      text ??= current.toString()
      if (text.length >= largeText) onLarge(index)
      const done = replacePattern(text, rule, maxBytes)
      text = done.text
      count = done.count
    }
    if (count > 0) counts.set(index, count)
  }
  if (text !== null) current = Buffer.from(text)
  return { bytes: current, counts }
}

/**
 * @param {Buffer} bytes
 * @param {{ needle: Buffer, replacement: Buffer }} rule
 * @param {number} maxBytes
 * @returns {{ bytes: Buffer, count: number }}
 */
function replaceBytes(bytes, { needle, replacement }, maxBytes) {
  let found = bytes.indexOf(needle)
  if (found < 0) return { bytes, count: 0 }
  const places = []
  for (; found >= 0; found = bytes.indexOf(needle, found + needle.length)) places.push(found)
  const size = bytes.length + places.length * (replacement.length - needle.length)
  if (size > maxBytes) throw tooLarge(maxBytes)
  const result = Buffer.allocUnsafe(size)
  let from = 0
  let to = 0
  for (const place of places) {
    to += bytes.copy(result, to, from, place)
    to += replacement.copy(result, to)
    from = place + needle.length
  }
  bytes.copy(result, to, from)
  return { bytes: result, count: places.length }
}

/**
 * @param {string} text
 * @param {Extract<Rule, { kind: 'pattern' }>} rule
 * @param {number} maxBytes
 * @returns {{ text: string, count: number }}
 */
function replacePattern(text, rule, maxBytes) {
  const { regex, pieces, marks, groups } = rule
  if (!regex.isMatch(text)) return { text, count: 0 }
  if (text.length * groups > maxBytes) requireRoom(text, rule, maxBytes)
  const parts = regex.replaceAll(text, marks).split('\0')
  const perMatch = groups + 1
  const count = (parts.length - 1) / perMatch
  const written = pieces.reduce(
    (sum, piece) => sum + (typeof piece === 'string' ? piece.length : 0),
    0,
  )
  const rest = parts.reduce((sum, part) => sum + part.length, 0)
  if (written * count + rest > maxBytes) throw tooLarge(maxBytes)
  /** @type {string[]} */
  const result = [parts[0] ?? '']
  for (let at = 1; at < parts.length; at += perMatch) {
    let group = at
    for (const piece of pieces)
      result.push(typeof piece === 'string' ? piece : (parts[group++] ?? ''))
    result.push(parts[at + groups] ?? '')
  }
  return { text: result.join(''), count }
}

/**
 * Finds out how much all groups matched together, one after the other: what many of them copy out of a
 * large text at once may be more than there is memory.
 * @param {string} text
 * @param {Extract<Rule, { kind: 'pattern' }>} rule
 * @param {number} maxBytes
 */
function requireRoom(text, { regex, pieces }, maxBytes) {
  const rest = regex.replaceAll(text, '').length
  let size = rest
  for (const piece of pieces) {
    if (typeof piece === 'string') continue
    size += regex.replaceAll(text, `\${${piece.group}}`).length - rest
    if (size > maxBytes) throw tooLarge(maxBytes)
  }
}

/** @param {number} maxBytes */
function tooLarge(maxBytes) {
  return new RewriteError(`would grow to more than ${Math.floor(maxBytes / 1024 / 1024)} MiB`)
}

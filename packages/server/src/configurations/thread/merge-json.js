import { parse, parseTree, printParseErrorCode } from 'jsonc-parser'
import { setInJson } from './set-in-json.js'
import { checkResult, setPlain, toPlain } from './plain-value.js'
import { Refusal } from './refusal.js'

/** @import { Leaf, Merged } from './messages.ts' */

/**
 * Puts values into a JSON file, which may have comments; indentation and everything else stay.
 * @param {string | null} text
 * @param {readonly Leaf[]} leaves
 * @returns {Merged}
 */
export function mergeJson(text, leaves) {
  const mark = text?.startsWith('\ufeff') === true ? '\ufeff' : ''
  const before = (text ?? '').slice(mark.length)
  let current = before.trim() === '' ? '{}\n' : before
  checkSyntax(current)
  const wanted = toPlain(parse(current))
  if (!(wanted instanceof Map)) throw new Refusal('holds no object')
  const counts = { added: 0, changed: 0, same: 0 }
  for (const leaf of leaves) {
    const done = setPlain(wanted, leaf)
    counts[done] += 1
    if (done !== 'same') current = setInJson(current, leaf)
  }
  checkResult(toPlain(parse(current)), wanted)
  return { text: mark + current, ...counts }
}

/** @param {string} text */
function checkSyntax(text) {
  /** @type {import('jsonc-parser').ParseError[]} */
  const errors = []
  parseTree(text, errors, { allowTrailingComma: true })
  const [first] = errors
  if (first === undefined) return
  const lines = text.slice(0, first.offset).split('\n')
  const where = `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`
  throw new Refusal(`is not valid JSON: ${printParseErrorCode(first.error)} at ${where}`)
}

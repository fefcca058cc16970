import { applyEdits, modify, parse, parseTree, printParseErrorCode } from 'jsonc-parser'
import { checkResult, isIndex, setPlain, toPlain } from './plain-value.js'
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
  const isEmpty = before.trim() === ''
  let current = isEmpty ? '{}\n' : before
  checkSyntax(current)
  const wanted = toPlain(parse(current))
  if (!(wanted instanceof Map)) throw new Refusal('holds no object')
  const counts = { added: 0, changed: 0, same: 0 }
  const formattingOptions = formatOf(current)
  for (const leaf of leaves) {
    const path = locate(wanted, leaf.path)
    const done = setPlain(wanted, leaf)
    counts[done] += 1
    if (done === 'same') continue
    current = applyEdits(current, modify(current, path, leaf.value, { formattingOptions }))
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

/**
 * The path with numbers where it leads into lists.
 * @param {unknown} root
 * @param {readonly string[]} path
 */
function locate(root, path) {
  /** @type {unknown} */
  let place = root
  return path.map((key) => {
    if (Array.isArray(place) && isIndex(place, key)) {
      place = place[Number(key)]
      return Number(key)
    }
    place = place instanceof Map ? place.get(key) : undefined
    return key
  })
}

/** @param {string} text */
function formatOf(text) {
  const indent = /\n([ \t]+)\S/.exec(text)?.[1] ?? '  '
  return {
    insertSpaces: !indent.startsWith('\t'),
    tabSize: indent.startsWith('\t') ? 4 : indent.length,
    eol: /\r\n/.test(text) ? '\r\n' : '\n',
  }
}

import { parse as parseEditable, patch, TomlFormat } from '@decimalturn/toml-patch'
import { parse } from 'smol-toml'
import { checkResult, isIndex, setPlain, toPlain } from './plain-value.js'
import { Refusal } from './refusal.js'

/** @import { Leaf, Merged } from './messages.ts' */

/**
 * Puts values into a TOML file; comments, order and how its values are written stay.
 * @param {string | null} text
 * @param {readonly Leaf[]} leaves
 * @returns {Merged}
 */
export function mergeToml(text, leaves) {
  const before = text ?? ''
  const wanted = read(before)
  const editable = /** @type {Record<string, unknown>} */ (parseEditable(before))
  const counts = { added: 0, changed: 0, same: 0 }
  for (const leaf of leaves) {
    const done = setPlain(wanted, leaf)
    counts[done] += 1
    if (done !== 'same') setEditable(editable, leaf)
  }
  if (counts.added + counts.changed === 0) return { text: before, ...counts }
  const format = TomlFormat.autoDetectFormat(before)
  // Those of inline tables came with TOML 1.1, which few read yet.
  format.trailingComma = false
  const written = patch(before, editable, format)
  checkResult(read(written), wanted)
  return { text: written, ...counts }
}

/** @param {string} text */
function read(text) {
  try {
    return toPlain(parse(text, { integersAsBigInt: 'asNeeded' }))
  } catch (error) {
    const [first = ''] = (error instanceof Error ? error.message : '').split('\n')
    const { line } = /** @type {{ line?: number }} */ (error)
    const where = line === undefined ? '' : ` on line ${line}`
    throw new Refusal(`is not valid TOML: ${first.replace(/^Invalid TOML document: /, '')}${where}`)
  }
}

/**
 * @param {Record<string, unknown>} root
 * @param {Leaf} leaf
 */
function setEditable(root, { path, value }) {
  let place = root
  for (const key of path.slice(0, -1)) {
    const inner = place[key]
    if (typeof inner === 'object' && inner !== null) {
      place = /** @type {Record<string, unknown>} */ (inner)
      continue
    }
    /** @type {Record<string, unknown>} */
    const made = Object.create(null)
    place[key] = made
    place = made
  }
  const last = path.at(-1) ?? ''
  if (!Array.isArray(place) || isIndex(place, last)) place[last] = value
}

import { isDeepStrictEqual } from 'node:util'
import { Refusal } from './refusal.js'

/** @import { Leaf } from './messages.ts' */

/**
 * A value without prototypes: objects are Maps, so that no key means anything. What libraries make of
 * dates is told by its text.
 * @param {unknown} value
 * @returns {unknown}
 */
export function toPlain(value) {
  if (Array.isArray(value)) return value.map(toPlain)
  if (value instanceof Date) return { date: value.toISOString() }
  if (typeof value === 'bigint') {
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  }
  if (typeof value !== 'object' || value === null) return value
  return new Map(Object.entries(value).map(([key, inner]) => [key, toPlain(inner)]))
}

/**
 * What a leaf does to a document: makes the objects on its way, sets its value, and says what was
 * there. Throws a Refusal where something else is in its way.
 * @param {unknown} root a plain value
 * @param {Leaf} leaf
 * @returns {'added' | 'changed' | 'same'}
 */
export function setPlain(root, { path, value }) {
  let place = root
  const way = path.slice(0, -1)
  for (const [depth, key] of way.entries()) {
    const inner = get(place, key)
    if (inner instanceof Map || Array.isArray(inner)) place = inner
    else if (inner === undefined || inner === null) {
      const made = new Map()
      put(place, key, made, path.slice(0, depth + 1))
      place = made
    } else
      throw new Refusal(`has a value at ${way.slice(0, depth + 1).join('.')}, where keys are to be`)
  }
  const last = path.at(-1) ?? ''
  const before = get(place, last)
  const wanted = toPlain(value)
  // An object without keys asks that there be one.
  const isThere = wanted instanceof Map && wanted.size === 0 && before instanceof Map
  if (isThere || (before !== undefined && isDeepStrictEqual(before, wanted))) return 'same'
  put(place, last, wanted, path)
  return before === undefined ? 'added' : 'changed'
}

/**
 * @param {unknown} place
 * @param {string} key
 * @returns {unknown}
 */
function get(place, key) {
  if (place instanceof Map) return place.get(key)
  return Array.isArray(place) && isIndex(place, key) ? place[Number(key)] : undefined
}

/**
 * @param {unknown} place
 * @param {string} key
 * @param {unknown} value
 * @param {readonly string[]} path
 */
function put(place, key, value, path) {
  if (place instanceof Map) place.set(key, value)
  else if (Array.isArray(place) && isIndex(place, key)) place[Number(key)] = value
  else throw new Refusal(`has a list at ${path.slice(0, -1).join('.')}, without an item ${key}`)
}

/**
 * @param {readonly unknown[]} list
 * @param {string} key
 */
export function isIndex(list, key) {
  return /^(?:0|[1-9]\d{0,8})$/.test(key) && Number(key) < list.length
}

/**
 * Refuses a result that is not what was wanted: then the file had something that cannot be changed so.
 * @param {unknown} result
 * @param {unknown} wanted
 */
export function checkResult(result, wanted) {
  if (isDeepStrictEqual(result, wanted)) return
  throw new Refusal('is written in a way in which these keys cannot be set')
}

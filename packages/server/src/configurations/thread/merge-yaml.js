import { isAlias, isMap, isScalar, isSeq, parseDocument, YAMLMap } from 'yaml'
import { checkResult, isIndex, setPlain, toPlain } from './plain-value.js'
import { Refusal } from './refusal.js'

/** @import { Document, Scalar } from 'yaml' */
/** @import { Leaf, Merged } from './messages.ts' */

/**
 * Puts values into a YAML file of one document; comments, order and how its values are written stay.
 * @param {string | null} text
 * @param {readonly Leaf[]} leaves
 * @returns {Merged}
 */
export function mergeYaml(text, leaves) {
  const before = text ?? ''
  const document = parse(before)
  const wanted = toPlain(valueOf(document) ?? {})
  if (!(wanted instanceof Map)) throw new Refusal('holds no mapping')
  if (!isMap(document.contents)) {
    const made = document.createNode({})
    made.flow = false
    document.contents = /** @type {never} */ (made)
  }
  const counts = { added: 0, changed: 0, same: 0 }
  for (const leaf of leaves) {
    const done = setPlain(wanted, leaf)
    counts[done] += 1
    if (done !== 'same') setNode(document, leaf)
  }
  if (counts.added + counts.changed === 0) return { text: before, ...counts }
  const written = document.toString({ lineWidth: 0, ...formatOf(before) })
  checkResult(toPlain(valueOf(parse(written))), wanted)
  return { text: /\r\n/.test(before) ? written.replaceAll('\n', '\r\n') : written, ...counts }
}

/** @param {string} text */
function parse(text) {
  // What is not text to YAML 1.1 is quoted for it, too.
  const document = parseDocument(text, { compat: 'yaml-1.1', prettyErrors: true })
  const [error] = document.errors
  if (error?.code === 'MULTIPLE_DOCS') throw new Refusal('has several documents')
  if (error !== undefined) {
    const [first = ''] = error.message.split('\n')
    throw new Refusal(`is not valid YAML: ${first.replace(/:$/, '')}`)
  }
  return document
}

/**
 * @param {Document.Parsed} document
 * @returns {unknown}
 */
function valueOf(document) {
  try {
    return document.toJS()
  } catch {
    throw new Refusal('has more aliases than are followed')
  }
}

/**
 * @param {Document.Parsed | Document} document
 * @param {Leaf} leaf
 */
function setNode(document, { path, value }) {
  /** @type {unknown} */
  let place = document.contents
  for (const key of path.slice(0, -1)) {
    const inner = nodeAt(place, key)
    if (isMap(inner) || isSeq(inner)) place = inner
    else if (isAlias(inner)) throw new Refusal(`has an alias at ${key}, which others share`)
    else {
      const made = new YAMLMap(document.schema)
      putNode(document, place, key, made)
      place = made
    }
  }
  const last = path.at(-1) ?? ''
  const before = nodeAt(place, last)
  const made = document.createNode(value)
  if (isScalar(made) && isScalar(before)) {
    // How it was quoted, and the comment behind it, stay.
    if (typeof value === 'string' && typeof before.value === 'string' && before.type !== 'PLAIN') {
      made.type = /** @type {Scalar.Type} */ (before.type)
    }
    made.comment = before.comment ?? null
    made.commentBefore = before.commentBefore ?? null
  }
  putNode(document, place, last, made)
}

/**
 * @param {unknown} place
 * @param {string} key
 * @returns {unknown}
 */
function nodeAt(place, key) {
  if (isMap(place)) return pairOf(place, key)?.value
  return isSeq(place) && isIndex(place.items, key) ? place.items[Number(key)] : undefined
}

/**
 * @param {Document.Parsed | Document} document
 * @param {unknown} place
 * @param {string} key
 * @param {unknown} node
 */
function putNode(document, place, key, node) {
  if (isSeq(place)) {
    place.items[Number(key)] = node
    return
  }
  if (!isMap(place)) return
  const pair = pairOf(place, key)
  if (pair !== undefined) pair.value = node
  else place.items.push(document.createPair(key, node))
}

/**
 * A key is found by its text, whatever it is to YAML: `8080`, `true`.
 * @param {YAMLMap} map
 * @param {string} key
 */
function pairOf(map, key) {
  return map.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === key)
}

/** @param {string} text */
function formatOf(text) {
  const indent = /^( +)[^\s#-]/m.exec(text)?.[1]?.length ?? 2
  const list = /^( *)[^\s#-][^\n]*:[ \t]*(?:#[^\n]*)?\r?\n( *)- /m.exec(text)
  const indentSeq = list === null || (list[2]?.length ?? 0) > (list[1]?.length ?? 0)
  return { indent: Math.min(Math.max(indent, 1), 8), indentSeq }
}

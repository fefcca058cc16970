import { findNodeAtLocation, parseTree, stripComments } from 'jsonc-parser'

/** @import { Node } from 'jsonc-parser' */
/** @import { Leaf } from './messages.ts' */

/**
 * Sets one value in the text of a JSON object, and touches nothing else of it. Where the path leads
 * has been looked at: only objects, lists with that item, null or nothing are on the way.
 * @param {string} text
 * @param {Leaf} leaf
 * @returns {string}
 */
export function setInJson(text, { path, value }) {
  let node = parseTree(text, [], { allowTrailingComma: true })
  for (const [depth, key] of path.entries()) {
    if (node === undefined) return text
    const rest = path.slice(depth + 1)
    const child = findNodeAtLocation(node, [node.type === 'array' ? Number(key) : key])
    if (child === undefined) return addProperty(text, node, key, nest(rest, value))
    const goesOn = rest.length > 0 && (child.type === 'object' || child.type === 'array')
    if (!goesOn) return replaceNode(text, child, nest(rest, value))
    node = child
  }
  return text
}

/**
 * A value below keys.
 * @param {readonly string[]} keys
 * @param {unknown} value
 * @returns {unknown}
 */
function nest(keys, value) {
  return keys.reduceRight((inner, key) => ({ [key]: inner }), value)
}

/**
 * @param {string} text
 * @param {Node} node
 * @param {unknown} value
 */
function replaceNode(text, node, value) {
  const written = render(text, value, indentAt(text, node.offset))
  return text.slice(0, node.offset) + written + text.slice(node.offset + node.length)
}

/**
 * Adds a property behind the last one: on a line of its own where the others have theirs.
 * @param {string} text
 * @param {Node} node an object
 * @param {string} key
 * @param {unknown} value
 */
function addProperty(text, node, key, value) {
  const close = node.offset + node.length - 1
  const last = node.children?.at(-1)
  const outer = indentAt(text, node.offset)
  const newline = newlineOf(text)
  if (last === undefined) {
    const inner = text.slice(node.offset + 1, close).trimEnd()
    const indent = outer + unitOf(text)
    const property = `${JSON.stringify(key)}: ${render(text, value, indent)}`
    const between = `${inner}${newline}${indent}${property}${newline}${outer}`
    return text.slice(0, node.offset + 1) + between + text.slice(close)
  }
  const end = last.offset + last.length
  const tail = text.slice(end, close)
  const hasComma = stripComments(tail).trimStart().startsWith(',')
  const [first = last] = node.children ?? []
  if (!text.slice(node.offset, first.offset).includes('\n')) {
    const property = `, ${JSON.stringify(key)}: ${JSON.stringify(value)}`
    return text.slice(0, end) + property + text.slice(end)
  }
  const indent = indentAt(text, last.offset)
  const property = `${JSON.stringify(key)}: ${render(text, value, indent)}`
  const lineEnd = end + endOfLine(tail)
  const before = text.slice(0, end) + (hasComma ? '' : ',') + text.slice(end, lineEnd)
  return `${before}${newline}${indent}${property}${hasComma ? ',' : ''}${text.slice(lineEnd)}`
}

/**
 * Where the first line of what follows a property ends, if that is behind its comments.
 * @param {string} tail
 */
function endOfLine(tail) {
  const length = tail.search(/\r?\n/)
  if (length < 0) return tail.trimEnd().length
  const line = tail.slice(0, length)
  const opens = line.lastIndexOf('/*')
  return opens > line.lastIndexOf('*/') ? 0 : length
}

/**
 * @param {string} text
 * @param {unknown} value
 * @param {string} indent of the line on which it begins
 */
function render(text, value, indent) {
  return JSON.stringify(value, null, unitOf(text)).replaceAll('\n', newlineOf(text) + indent)
}

/**
 * @param {string} text
 * @param {number} offset
 */
function indentAt(text, offset) {
  const start = text.lastIndexOf('\n', offset - 1) + 1
  return /^[ \t]*/.exec(text.slice(start, offset))?.[0] ?? ''
}

/** @param {string} text */
function unitOf(text) {
  return /\n([ \t]+)\S/.exec(text)?.[1] ?? '  '
}

/** @param {string} text */
function newlineOf(text) {
  return text.includes('\r\n') ? '\r\n' : '\n'
}

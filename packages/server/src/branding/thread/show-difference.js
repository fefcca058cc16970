import { diffArrays } from 'diff'

/**
 * Lines that were replaced by others: from, and to but without.
 * @typedef {{ from: number, to: number, newFrom: number, newTo: number }} Block
 */

/** What comparing files of unequal length may take: milliseconds, and lines that differ. */
const limits = { timeout: 500, maxEditLength: 5_000 }
/** Lines that are shown around what differs. */
const context = 3

/**
 * The unified difference of a file, in whole lines and at most `maxBytes` of it.
 * @param {string} path
 * @param {string} before
 * @param {string} after
 * @param {number} maxBytes
 * @returns {{ diff: string, truncated: boolean }}
 */
export function showDifference(path, before, after, maxBytes) {
  const name = /[\0-\x1f\x7f"\\]/.test(path) ? JSON.stringify(path) : path
  const old = before.match(/[^\n]*\n|[^\n]+$/g) ?? []
  const now = after.match(/[^\n]*\n|[^\n]+$/g) ?? []
  let diff = ''
  let bytes = 0
  const add = (/** @type {string} */ text) => {
    bytes += Buffer.byteLength(text)
    if (bytes <= maxBytes) diff += text
    return bytes <= maxBytes
  }
  add(`--- a/${name}\n`)
  add(`+++ b/${name}\n`)
  for (const hunk of hunksOf(findBlocks(old, now))) {
    for (const line of hunkLines(hunk, old, now)) {
      if (!add(line)) return { diff, truncated: true }
    }
  }
  return { diff, truncated: false }
}

/**
 * What differs. Replacements seldom change how many lines there are: line by line is then right, and
 * quick. Files too unlike each other differ in one block.
 * @param {readonly string[]} old
 * @param {readonly string[]} now
 * @returns {Block[]}
 */
function findBlocks(old, now) {
  /** @type {Block[]} */
  const blocks = []
  if (old.length === now.length) {
    for (const [line, text] of old.entries()) {
      if (text === now[line]) continue
      const last = blocks.at(-1)
      if (last !== undefined && last.to === line) {
        last.to += 1
        last.newTo += 1
      } else blocks.push({ from: line, to: line + 1, newFrom: line, newTo: line + 1 })
    }
    return blocks
  }
  const changes = diffArrays([...old], [...now], limits)
  if (changes === undefined) return [oneBlock(old, now)]
  let from = 0
  let newFrom = 0
  for (const { added, removed, count = 0 } of changes) {
    const last = blocks.at(-1)
    const block =
      last !== undefined && last.to === from && last.newTo === newFrom
        ? last
        : { from, to: from, newFrom, newTo: newFrom }
    if (!added) from += count
    if (!removed) newFrom += count
    if (!added && !removed) continue
    if (block !== last) blocks.push(block)
    block.to = from
    block.newTo = newFrom
  }
  return blocks
}

/**
 * @param {readonly string[]} old
 * @param {readonly string[]} now
 * @returns {Block}
 */
function oneBlock(old, now) {
  const shorter = Math.min(old.length, now.length)
  let same = 0
  while (same < shorter && old[same] === now[same]) same += 1
  let end = 0
  while (end < shorter - same && old[old.length - 1 - end] === now[now.length - 1 - end]) end += 1
  return { from: same, to: old.length - end, newFrom: same, newTo: now.length - end }
}

/**
 * Blocks whose contexts meet are shown together.
 * @param {readonly Block[]} blocks
 * @returns {Block[][]}
 */
function hunksOf(blocks) {
  /** @type {Block[][]} */
  const hunks = []
  for (const block of blocks) {
    const last = hunks.at(-1)
    const before = last?.at(-1)
    if (before !== undefined && block.from - before.to <= 2 * context) last?.push(block)
    else hunks.push([block])
  }
  return hunks
}

/**
 * @param {readonly Block[]} blocks of one hunk
 * @param {readonly string[]} old
 * @param {readonly string[]} now
 */
function* hunkLines(blocks, old, now) {
  const [first] = blocks
  const last = blocks.at(-1)
  if (first === undefined || last === undefined) return
  const lead = Math.min(context, first.from)
  const from = first.from - lead
  const to = Math.min(old.length, last.to + context)
  const newFrom = first.newFrom - lead
  const newTo = last.newTo + (to - last.to)
  yield `@@ -${range(from, to)} +${range(newFrom, newTo)} @@\n`
  let at = from
  for (const block of blocks) {
    yield* marked(' ', old.slice(at, block.from))
    yield* marked('-', old.slice(block.from, block.to))
    yield* marked('+', now.slice(block.newFrom, block.newTo))
    at = block.to
  }
  yield* marked(' ', old.slice(at, to))
}

/**
 * @param {number} from
 * @param {number} to
 */
function range(from, to) {
  const count = to - from
  const start = count === 0 ? from : from + 1
  return count === 1 ? String(start) : `${start},${count}`
}

/**
 * @param {string} mark
 * @param {readonly string[]} lines
 */
function* marked(mark, lines) {
  for (const line of lines) {
    yield line.endsWith('\n') ? mark + line : `${mark}${line}\n\\ No newline at end of file\n`
  }
}

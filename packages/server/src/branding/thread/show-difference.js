import { createTwoFilesPatch } from 'diff'

/** What comparing two files may take: milliseconds, and lines that differ. */
const limits = { timeout: 1_000, maxEditLength: 20_000 }

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
  const patch = createTwoFilesPatch(`a/${name}`, `b/${name}`, before, after, undefined, undefined, {
    context: 3,
    ...limits,
  })
  if (patch === undefined) return { diff: '', truncated: true }
  const diff = patch.slice(patch.indexOf('--- '))
  const bytes = Buffer.from(diff)
  if (bytes.length <= maxBytes) return { diff, truncated: false }
  const end = bytes.lastIndexOf(10, maxBytes - 1) + 1
  return { diff: bytes.toString('utf8', 0, end), truncated: true }
}

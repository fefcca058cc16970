import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { showDifference } from './show-difference.js'

const show = (before: string, after: string, maxBytes = 100_000) =>
  showDifference('a.txt', before, after, maxBytes)

describe('showDifference', () => {
  it('is what git takes for a patch, whatever the files are', () => {
    const directory = mkdtempSync(join(tmpdir(), 'slipway-diff-'))
    const line = fc.constantFrom('a', 'b', 'c', '', 'd\r', 'é')
    const text = fc
      .tuple(fc.array(line, { maxLength: 30 }), fc.boolean())
      .map(([lines, ended]) => lines.join('\n') + (ended ? '\n' : ''))
    try {
      fc.assert(
        fc.property(text, text, (before, after) => {
          fc.pre(before !== after)
          const { diff, truncated } = show(before, after)
          expect(truncated).toBe(false)
          writeFileSync(join(directory, 'a.txt'), before)
          execFileSync('git', ['apply', '--unidiff-zero', '-'], {
            cwd: directory,
            input: diff,
            stdio: ['pipe', 'ignore', 'pipe'],
          })
          expect(readFileSync(join(directory, 'a.txt'), 'utf8')).toBe(after)
        }),
        { numRuns: 150 },
      )
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it('shows three lines around what differs, and what meets together', () => {
    const before = Array.from({ length: 30 }, (_, at) => `${at}\n`)
    const after = before.map((line, at) => (at === 5 || at === 11 || at === 25 ? 'x\n' : line))
    const { diff } = show(before.join(''), after.join(''))
    expect(diff.match(/^@@.*$/gm)).toEqual(['@@ -3,13 +3,13 @@', '@@ -23,7 +23,7 @@'])
  })

  it('shows whole lines, and no more than it may', () => {
    const before = 'line\n'.repeat(1_000)
    const { diff, truncated } = show(before, before.replaceAll('line', 'changed'), 2_000)
    expect(truncated).toBe(true)
    expect(Buffer.byteLength(diff)).toBeLessThanOrEqual(2_000)
    expect(diff.endsWith('-line\n')).toBe(true)
  })

  it('takes one block for files too unlike each other to be compared', () => {
    const numbered = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, at) => `${prefix}${at}\n`).join('')
    const { diff } = showDifference(
      'a',
      `same\n${numbered('a', 20_000)}end\n`,
      `same\n${numbered('b', 20_001)}end\n`,
      10_000_000,
    )
    expect(diff.match(/^@@.*$/gm)).toEqual(['@@ -1,20002 +1,20003 @@'])
  })

  it('quotes names that would break its lines', () => {
    expect(showDifference('a\n"b', 'x\n', 'y\n', 1_000).diff).toContain('--- a/"a\\n\\"b"\n')
  })
})

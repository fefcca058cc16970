import type { ParsedQuery } from './parse-query.ts'
import { wordsOf } from './words.ts'

const maxLength = 300
/** Characters shown before the first word found in a long text. */
const lead = 60

export interface Excerpt {
  excerpt: string
  highlights: [number, number][]
}

/** The part of a text in which most of what was wanted is found, and where. */
export function findExcerpt(text: string, wanted: ParsedQuery['wanted']): Excerpt {
  const found = matchesIn(text, wanted)
  const first = found[0]?.[0] ?? 0
  const start = text.length <= maxLength ? 0 : Math.max(0, first - lead)
  const end = Math.min(text.length, start + maxLength)
  return {
    excerpt: Buffer.from(text.slice(start, end)).toString(),
    highlights: found
      .filter(([from, to]) => from >= start && to <= end)
      .map(([from, to]) => [from - start, to - start]),
  }
}

/** Index of the line with the most different words of those wanted; 0 where none has any. */
export function findLine(lines: readonly string[], wanted: ParsedQuery['wanted']): number {
  let best = 0
  let most = 0
  for (const [index, line] of lines.entries()) {
    const words = new Set(matchesIn(line, wanted).map(([from, to]) => line.slice(from, to)))
    if (words.size <= most) continue
    best = index
    most = words.size
  }
  return best
}

function matchesIn(text: string, wanted: ParsedQuery['wanted']): [number, number][] {
  const found: [number, number][] = []
  for (const { text: word, from, to } of wordsOf(text)) {
    const hit = wanted.find((one) => (one.prefix ? word.startsWith(one.text) : word === one.text))
    if (hit === undefined) continue
    // Lower case may be longer than what stands there.
    const length = hit.prefix ? Math.min(hit.text.length, to - from) : to - from
    found.push([from, from + length])
  }
  return found
}

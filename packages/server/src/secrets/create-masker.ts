import { indexNeedles, type NeedleIndex } from './needle-index.ts'
import { secretNeedles, wrapLead, type Needle } from './secret-needles.ts'

/** Masks one stream of output. */
export interface Masker {
  /**
   * Takes the next bytes and returns all that is settled: everything but a suffix in which a secret
   * may just be beginning. The pieces are parts of the chunk where nothing is masked.
   */
  push(chunk: Buffer): Buffer[]
  /** Returns what was held back; the masker is new again afterwards. */
  end(): Buffer[]
}

/** The secrets of a step, prepared once for its streams and messages. */
export interface Masks {
  masker(): Masker
  /** Masks a short text as a whole. */
  text(value: string): string
}

/**
 * Prepares the masking of `secrets` in all forms that `secretNeedles` names. Bytes that belong to an
 * occurrence are replaced by `***` for each unbroken run of them; line breaks always stay, so masking
 * never changes the number of lines.
 *
 * An occurrence may be interrupted by line breaks: by any after a line of at least 16,000 bytes
 * (container runtimes break at 16 KiB), and in base64 and hex by those after at least 48 bytes of such
 * text (folded output, any column) when at least 4 bytes of the occurrence come before the first break.
 */
export function compileMasks(secrets: readonly string[]): Masks {
  const index = indexNeedles(secretNeedles(secrets))
  return {
    masker: () => maskStream(index),
    text: (value) => {
      const masker = maskStream(index)
      return Buffer.concat([...masker.push(Buffer.from(value)), ...masker.end()]).toString()
    },
  }
}

/** A masker for a single stream; see `compileMasks`. */
export function createMasker(secrets: readonly string[]): Masker {
  return compileMasks(secrets).masker()
}

/** A line this long may have been broken by whoever carried it. */
export const longLine = 16_000
/** So much base64 or hex before a line end is folded output. */
export const foldedLine = 48

const newline = 10
const carriageReturn = 13
const mask = Buffer.from('***')
const empty = Buffer.alloc(0)

const foldable = new Uint8Array(256)
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=') {
  foldable[char.charCodeAt(0)] = 1
}

/** A half-open range of positions. */
interface Span {
  start: number
  end: number
}

/** What has been let go before the text at hand, as far as a line break in it may depend on it. */
interface Past {
  /** Bytes of the current line. */
  line: number
  /** How many of the last ones are foldable, up to `foldedLine`. */
  folded: number
}

function maskStream(index: NeedleIndex): Masker {
  let held = empty
  /** So many bytes at the start of `held` have been put out: parts of an occurrence, and line breaks. */
  let covered = 0
  let inMask = false
  let past: Past = { line: 0, folded: 0 }

  const emit = (text: Buffer, spans: Span[], from: number, to: number): Buffer[] => {
    const out: Buffer[] = []
    let at = from
    const raw = (end: number) => {
      if (end <= at) return
      out.push(text.subarray(at, end))
      inMask = false
      at = end
    }
    for (const span of spans) {
      const end = Math.min(span.end, to)
      raw(Math.min(span.start, to))
      while (at < end) {
        if (text[at] === newline) {
          raw(at + 1)
          continue
        }
        if (!inMask) out.push(mask)
        inMask = true
        const next = text.indexOf(newline, at)
        at = next === -1 || next > end ? end : next
      }
    }
    raw(to)
    return out
  }

  return {
    push(chunk) {
      if (index.needles.length === 0) return [chunk]
      const text = held.length === 0 ? chunk : Buffer.concat([held, chunk])
      const spans: Span[] = covered === 0 ? [] : [{ start: 0, end: covered }]
      index.scan(text, (start, end) => void spans.push({ start, end }))
      let hold = index.partialFrom(text, text.length)
      if (text.at(-1) === carriageReturn) {
        hold = Math.min(hold, index.partialFrom(text, text.length - 1))
      }
      hold = Math.min(hold, scanAcrossBreaks(index, text, past, spans))

      const merged = spans.length < 2 ? spans : merge(spans)
      const settled = settledFrom(text, hold, merged)
      const out = emit(text, merged, covered, settled)
      past = advance(past, text, hold)
      // A copy: a few bytes must not keep the whole chunk in memory.
      held = hold === text.length ? empty : Buffer.from(text.subarray(hold))
      covered = settled - hold
      return out
    },
    end() {
      const out = covered === held.length ? [] : [held.subarray(covered)]
      held = empty
      covered = 0
      inMask = false
      past = { line: 0, folded: 0 }
      return out
    },
  }
}

/** Adds the occurrences interrupted by a line break; returns where the earliest undecided one starts. */
function scanAcrossBreaks(index: NeedleIndex, text: Buffer, past: Past, spans: Span[]): number {
  let hold = text.length
  let lineStart = 0
  for (let at = text.indexOf(newline); at !== -1; at = text.indexOf(newline, lineStart)) {
    const end = at > 0 && text[at - 1] === carriageReturn ? at - 1 : at
    const isLong = end - lineStart + (lineStart === 0 ? past.line : 0) >= longLine
    const after = text[at + 1]
    lineStart = at + 1
    // Of ordinary lines nothing but this is asked.
    const mayGoOn =
      after === undefined ||
      isLong ||
      index.mayContain(text[end - 2] ?? 0, text[end - 1] ?? 0, after)
    if (end > 0 && mayGoOn) {
      hold = Math.min(hold, matchAcross(index, { text, past, end, next: at + 1, isLong }, spans))
    }
  }
  return hold
}

interface Break {
  text: Buffer
  past: Past
  /** Where the line before it ends, and the one behind it starts. */
  end: number
  next: number
  /** It may be inside of any needle, not just of one that wraps. */
  isLong: boolean
}

/** As `scanAcrossBreaks`, for one line break. */
function matchAcross(
  index: NeedleIndex,
  { text, past, end, next, isLong }: Break,
  spans: Span[],
): number {
  let hold = text.length
  index.splits(text[end - 1] ?? 0, text[next] ?? null, (needle, split) => {
    if (!isLong && (!needle.wraps || split < wrapLead)) return
    if (!endsWith(text, end, needle.bytes, split)) return
    if (!isLong && !isFolded(text, end, past)) return
    const matched = matchBehind(text, next, needle, split)
    if (matched === 'unknown') hold = Math.min(hold, end - split)
    else if (matched !== null) spans.push({ start: end - split, end: matched })
  })
  return hold
}

function endsWith(text: Buffer, end: number, bytes: Buffer, length: number): boolean {
  if (length > end) return false
  for (let back = 1; back <= length; back++) {
    if (text[end - back] !== bytes[length - back]) return false
  }
  return true
}

function isFolded(text: Buffer, end: number, past: Past): boolean {
  let at = end - 1
  const least = end - foldedLine
  while (at >= 0 && at >= least && foldable[text[at] ?? 0] === 1) at--
  return at < least || (at < 0 && end + past.folded >= foldedLine)
}

/** Where the rest of the needle ends when it begins at `from`; null: it does not. */
function matchBehind(
  text: Buffer,
  from: number,
  { bytes, wraps }: Needle,
  split: number,
): number | 'unknown' | null {
  let at = from
  let lineStart = from
  let matched = split
  while (matched < bytes.length) {
    if (at >= text.length) return 'unknown'
    if (text[at] === bytes[matched]) {
      at++
      matched++
      continue
    }
    if (!wraps || at - lineStart < foldedLine) return null
    if (text[at] === carriageReturn) at++
    if (at >= text.length) return 'unknown'
    if (text[at] !== newline) return null
    lineStart = ++at
  }
  return at
}

/** Where what can still change begins: not in a mask, which stays one, nor at a line break, which stays. */
function settledFrom(text: Buffer, hold: number, spans: readonly Span[]): number {
  let at = hold
  for (const span of spans) {
    while (text[at] === newline) at++
    if (span.start <= at && span.end > at) at = span.end
  }
  while (text[at] === newline) at++
  return at
}

function merge(spans: Span[]): Span[] {
  spans.sort((a, b) => a.start - b.start)
  const merged: Span[] = []
  for (const span of spans) {
    const last = merged.at(-1)
    if (last !== undefined && span.start <= last.end) last.end = Math.max(last.end, span.end)
    else merged.push({ ...span })
  }
  return merged
}

function advance(past: Past, text: Buffer, to: number): Past {
  if (to === 0) return past
  const lineEnd = text.lastIndexOf(newline, to - 1)
  let folded = 0
  while (folded < foldedLine && folded < to && foldable[text[to - 1 - folded] ?? 0] === 1) folded++
  if (folded === to) folded = Math.min(foldedLine, folded + past.folded)
  return { line: lineEnd === -1 ? past.line + to : to - 1 - lineEnd, folded }
}

import type { Needle } from './secret-needles.ts'

/** Finds any of many needles in a text, reading only a fraction of its bytes. */
export interface NeedleIndex {
  readonly needles: readonly Needle[]
  /** Reports every occurrence, overlapping ones too, by ascending start. */
  scan(text: Buffer, found: (start: number, end: number) => void): void
  /** Where the longest suffix of `text[..end]` begins that is a proper prefix of a needle; `end` if none is. */
  partialFrom(text: Buffer, end: number): number
  /** False when no needle has these three bytes in a row. */
  mayContain(first: number, second: number, third: number): boolean
  /** Calls `visit` for each place in a needle with these bytes before and after it; null: whatever comes after. */
  splits(before: number, after: number | null, visit: (needle: Needle, at: number) => void): void
}

const pairCount = 0x10000
/** Beyond this length longer jumps gain nothing and the table only fills up. */
const maxWindow = 32

/**
 * The shift-table search of Wu and Manber: the last two bytes of a window say how far the next
 * occurrence of any needle is at least away, so most bytes are never looked at. The window is as long
 * as the shortest needle, which therefore decides the speed. Measured against blocks of three and four
 * bytes, which jump a little further but cost more a jump.
 */
export function indexNeedles(needles: readonly Needle[]): NeedleIndex {
  const lengths = needles.map((needle) => needle.bytes.length)
  const longest = Math.max(0, ...lengths)
  const window = Math.min(maxWindow, ...lengths)
  const shifts = new Uint8Array(pairCount).fill(window - 1)
  const triples = new Uint8Array(pairCount)
  /** The first needle whose window ends in a pair, and the next one after each; -1: none. */
  const heads = new Int32Array(pairCount).fill(-1)
  const nexts = new Int32Array(needles.length)
  const byStart = new Map<number, Buffer[]>()
  const firstBytes = new Uint8Array(256)

  for (const [number, { bytes }] of needles.entries()) {
    for (let last = 1; last < bytes.length; last++) {
      if (last > 1) triples[hashTriple(bytes[last - 2], bytes[last - 1], bytes[last])] = 1
      const pair = bytes.readUInt16LE(last - 1)
      if (last < window) shifts[pair] = Math.min(shifts[pair] ?? 0, window - 1 - last)
    }
    const windowEnd = bytes.readUInt16LE(window - 2)
    nexts[number] = heads[windowEnd] ?? -1
    heads[windowEnd] = number
    firstBytes[bytes.readUInt8(0)] = 1
    const start = bytes.readUInt16BE(0)
    const same = byStart.get(start)
    if (same === undefined) byStart.set(start, [bytes])
    else same.push(bytes)
  }

  const scan: NeedleIndex['scan'] = (text, found) => {
    if (needles.length === 0) return
    const end = text.length
    const view = new DataView(text.buffer, text.byteOffset, end)
    let last = window - 1
    while (last < end) {
      const pair = view.getUint16(last - 1, true)
      const shift = shifts[pair] ?? 0
      if (shift !== 0) {
        last += shift
        continue
      }
      const start = last - window + 1
      for (let number = heads[pair] ?? -1; number !== -1; number = nexts[number] ?? -1) {
        const bytes = needles[number]?.bytes
        if (bytes !== undefined && startsWith(text, start, bytes))
          found(start, start + bytes.length)
      }
      last++
    }
  }

  const partialFrom: NeedleIndex['partialFrom'] = (text, end) => {
    for (let from = Math.max(0, end - longest + 1); from < end - 1; from++) {
      if (firstBytes[text[from] ?? 0] === 0) continue
      const length = end - from
      for (const bytes of byStart.get(text.readUInt16BE(from)) ?? []) {
        if (length >= bytes.length || text[end - 1] !== bytes[length - 1]) continue
        if (text.compare(bytes, 0, length, from, end) === 0) return from
      }
    }
    return end > 0 && firstBytes[text[end - 1] ?? 0] === 1 ? end - 1 : end
  }

  let table: SplitTable | null = null
  const splits: NeedleIndex['splits'] = (before, after, visit) => {
    table ??= buildSplitTable(needles)
    const first = (before << 8) | (after ?? 0)
    const to = table.starts[(after === null ? first + 0xff : first) + 1] ?? 0
    for (let entry = table.starts[first] ?? 0; entry < to; entry++) {
      const needle = needles[table.needle[entry] ?? 0]
      if (needle !== undefined) visit(needle, table.at[entry] ?? 0)
    }
  }

  const mayContain: NeedleIndex['mayContain'] = (first, second, third) =>
    triples[hashTriple(first, second, third)] === 1

  return { needles, mayContain, scan, partialFrom, splits }
}

function hashTriple(first = 0, second = 0, third = 0): number {
  return ((first << 9) ^ (second << 5) ^ third) & (pairCount - 1)
}

function startsWith(text: Buffer, start: number, bytes: Buffer): boolean {
  // Nearly all that comes here differs in the first bytes.
  if (text[start] !== bytes[0] || text[start + 1] !== bytes[1]) return false
  const end = start + bytes.length
  return end <= text.length && text.compare(bytes, 0, bytes.length, start, end) === 0
}

/** All places between two bytes of a needle, grouped by these two bytes. */
interface SplitTable {
  /** Where the entries of a pair of bytes begin; they end where those of the next pair begin. */
  starts: Uint32Array
  needle: Uint32Array
  at: Uint16Array
}

function buildSplitTable(needles: readonly Needle[]): SplitTable {
  const places = needles.flatMap(({ bytes }, needle) =>
    Array.from({ length: bytes.length - 1 }, (_, i) => ({
      pair: bytes.readUInt16BE(i),
      needle,
      at: i + 1,
    })),
  )
  places.sort((a, b) => a.pair - b.pair)
  const starts = new Uint32Array(pairCount + 1)
  let pair = 0
  places.forEach((place, entry) => {
    while (pair < place.pair) starts[++pair] = entry
  })
  starts.fill(places.length, pair + 1)
  return {
    starts,
    needle: Uint32Array.from(places, (place) => place.needle),
    at: Uint16Array.from(places, (place) => place.at),
  }
}

import type { Needle } from './secret-needles.ts'

/** Finds any of many needles in a text, reading only a fraction of its bytes. */
export interface NeedleIndex {
  readonly needles: readonly Needle[]
  /** Reports every occurrence, overlapping ones too, by ascending start. */
  scan(text: Buffer, found: (start: number, end: number) => void): void
  /** Where the longest suffix of `text[..end]` begins that is a proper prefix of a needle; `end` if none is. */
  partialFrom(text: Buffer, end: number): number
  /** Calls `visit` for each place in a needle with these bytes before and after it; null: whatever comes after. */
  splits(before: number, after: number | null, visit: (needle: Needle, at: number) => void): void
}

/** Bytes hashed together; three tell random text from needles far better than two. */
const block = 3
const hashSize = 1 << 15
/** Beyond this length longer jumps gain nothing and the table only fills up. */
const maxWindow = 32

/**
 * The shift-table search of Wu and Manber: the last three bytes of a window say how far the next
 * occurrence of any needle is at least away, so most bytes are never looked at. The window is as long
 * as the shortest needle, which therefore decides the speed.
 */
export function indexNeedles(needles: readonly Needle[]): NeedleIndex {
  const lengths = needles.map((needle) => needle.bytes.length)
  const longest = Math.max(0, ...lengths)
  const window = Math.min(maxWindow, ...lengths)
  const shifts = new Uint8Array(hashSize).fill(window - block + 1)
  const byWindowEnd: Buffer[][] = []
  const byStart = new Map<number, Buffer[]>()
  const firstBytes = new Uint8Array(256)

  for (const { bytes } of needles) {
    for (let last = block - 1; last < window; last++) {
      const hash = hashAt(bytes, last)
      shifts[hash] = Math.min(shifts[hash] ?? 0, window - 1 - last)
    }
    ;(byWindowEnd[hashAt(bytes, window - 1)] ??= []).push(bytes)
    firstBytes[bytes.readUInt8(0)] = 1
    const start = bytes.readUInt16BE(0)
    const same = byStart.get(start)
    if (same === undefined) byStart.set(start, [bytes])
    else same.push(bytes)
  }

  const scan: NeedleIndex['scan'] = (text, found) => {
    if (needles.length === 0) return
    const end = text.length
    let last = window - 1
    while (last < end) {
      const hash = hashAt(text, last)
      const shift = shifts[hash] ?? 0
      if (shift !== 0) {
        last += shift
        continue
      }
      const start = last - window + 1
      for (const bytes of byWindowEnd[hash] ?? []) {
        if (startsWith(text, start, bytes)) found(start, start + bytes.length)
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

  return { needles, scan, partialFrom, splits }
}

function hashAt(bytes: Buffer, last: number): number {
  const first = bytes[last - 2] ?? 0
  const second = bytes[last - 1] ?? 0
  return ((first << 8) ^ (second << 4) ^ (bytes[last] ?? 0)) & (hashSize - 1)
}

function startsWith(text: Buffer, start: number, bytes: Buffer): boolean {
  const end = start + bytes.length
  if (end > text.length || text[start] !== bytes[0] || text[end - 1] !== bytes.at(-1)) return false
  return text.compare(bytes, 0, bytes.length, start, end) === 0
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
  const starts = new Uint32Array(0x10000 + 1)
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

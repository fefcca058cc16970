import type { ByteSource } from './byte-source.ts'

/**
 * Where lines are and when they came. An index is a file of records of 18 bytes, three unsigned
 * little-endian integers of 6 bytes each: sequence number of a line, its byte offset in the log, epoch
 * milliseconds of its arrival. A record is written before the bytes it speaks of, at most one for 64 KiB or
 * 50 ms; lines without one arrived with the record before them. A sealed log's last record names
 * the line after its last. Readers use what they find, so a missing or lagging index costs only time.
 */
export interface IndexRecord {
  seq: number
  offset: number
  /** Epoch milliseconds. */
  at: number
}

export const recordBytes = 18
const integerBytes = 6
const recordsPerRead = 256

export function encodeRecord({ seq, offset, at }: IndexRecord): Buffer {
  const record = Buffer.allocUnsafe(recordBytes)
  record.writeUIntLE(seq, 0, integerBytes)
  record.writeUIntLE(offset, integerBytes, integerBytes)
  record.writeUIntLE(at, 2 * integerBytes, integerBytes)
  return record
}

/** The record that begins at byte `at`. */
export function decodeRecord(bytes: Buffer, at: number): IndexRecord {
  return {
    seq: bytes.readUIntLE(at, integerBytes),
    offset: bytes.readUIntLE(at + integerBytes, integerBytes),
    at: bytes.readUIntLE(at + 2 * integerBytes, integerBytes),
  }
}

/** Reads an index that may be growing. */
export interface IndexReader {
  /**
   * The last record that can be true of a log of so many bytes, and how many there are up to it. A
   * power cut may leave records of bytes that were lost, or zeros.
   */
  last(logBytes: number): Promise<{ record: IndexRecord | null; count: number }>
  /** Goes to the last record of a line up to `seq` and returns it; `next` continues behind it. */
  seek(seq: number): Promise<IndexRecord | null>
  /** The next record if it speaks of a byte before `offset`. */
  next(offset: number): Promise<IndexRecord | null>
}

export function readIndex(source: ByteSource): IndexReader {
  let buffered: IndexRecord[] = []
  let position = 0

  const count = async () => Math.floor((await source.size()) / recordBytes)

  const record = async (number: number) => {
    const bytes = await source.read(number * recordBytes, recordBytes)
    return bytes.length < recordBytes ? null : decodeRecord(bytes, 0)
  }

  return {
    async last(logBytes) {
      for (let number = await count(); number > 0; number--) {
        const candidate = await record(number - 1)
        if (candidate !== null && candidate.seq > 0 && candidate.offset <= logBytes) {
          return { record: candidate, count: number }
        }
      }
      return { record: null, count: 0 }
    },
    async seek(seq) {
      let found: IndexRecord | null = null
      let low = 0
      let high = await count()
      while (low < high) {
        const middle = (low + high) >>> 1
        const candidate = await record(middle)
        if (candidate !== null && candidate.seq > 0 && candidate.seq <= seq) {
          found = candidate
          low = middle + 1
        } else {
          high = middle
        }
      }
      position = low
      buffered = []
      return found
    },
    async next(offset) {
      if (buffered.length === 0) {
        const bytes = await source.read(position * recordBytes, recordsPerRead * recordBytes)
        for (let at = 0; at + recordBytes <= bytes.length; at += recordBytes) {
          buffered.push(decodeRecord(bytes, at))
        }
      }
      const first = buffered[0]
      if (first === undefined || first.offset >= offset) return null
      buffered.shift()
      position++
      return first
    },
  }
}

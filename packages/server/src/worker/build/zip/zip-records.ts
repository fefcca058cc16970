// The records of a ZIP file, by PKWARE's APPNOTE 6.3.10.

/** One entry as it stands in the archive. */
export interface ZipRecord {
  /** Bytes as the file system has them, with `/` between the parts; of a folder `/` at the end. */
  name: Buffer
  /** As in `st_mode`, with the type of file. */
  mode: number
  isDeflated: boolean
  /** Crc and sizes come behind the data, since nobody knew them before. */
  isStreamed: boolean
  crc: number
  compressedSize: number
  size: number
  /** Of its local header, from the start of the archive. */
  offset: number
}

const isUtf8Flag = 1 << 11
const isStreamedFlag = 1 << 3
const unix = 3 << 8
const version = 20
const zip64Version = 45
/** Of every entry: 1980-01-01 00:00:00, the first moment that ZIP knows. */
const dosDate = 0x0021
const dosTime = 0
const max16 = 0xffff
const max32 = 0xffffffff
/**
 * Entries of so many bytes have 64-bit sizes. Less than what 32 bits hold: what can't be compressed
 * grows, and it is to be known before the first byte is written.
 */
const bigEntry = 0xf000_0000

function isBig({ size }: ZipRecord): boolean {
  return size >= bigEntry
}

/** Of a name that is no UTF-8 nothing is said: a reader shows its bytes in some encoding of its own. */
function flagsOf({ name, isStreamed }: ZipRecord): number {
  const isUtf8 = Buffer.from(name.toString('utf8')).equals(name)
  return (isUtf8 ? isUtf8Flag : 0) | (isStreamed ? isStreamedFlag : 0)
}

/** What local header and central directory have in common, from "version needed" to the length of the name. */
function commonPart(entry: ZipRecord, sizes: { crc: number; compressed: number; size: number }) {
  const part = Buffer.alloc(24)
  part.writeUInt16LE(isBig(entry) || entry.offset >= max32 ? zip64Version : version, 0)
  part.writeUInt16LE(flagsOf(entry), 2)
  part.writeUInt16LE(entry.isDeflated ? 8 : 0, 4)
  part.writeUInt16LE(dosTime, 6)
  part.writeUInt16LE(dosDate, 8)
  part.writeUInt32LE(sizes.crc, 10)
  part.writeUInt32LE(sizes.compressed, 14)
  part.writeUInt32LE(sizes.size, 18)
  part.writeUInt16LE(entry.name.length, 22)
  return part
}

/** The extra field "ZIP64", with the numbers that do not fit their places; none: none. */
function zip64Extra(numbers: readonly number[]): Buffer {
  if (numbers.length === 0) return Buffer.alloc(0)
  const extra = Buffer.alloc(4 + 8 * numbers.length)
  extra.writeUInt16LE(1, 0)
  extra.writeUInt16LE(8 * numbers.length, 2)
  numbers.forEach((number, i) => extra.writeBigUInt64LE(BigInt(number), 4 + 8 * i))
  return extra
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}

/** Stands before an entry's data. Of a streamed one, crc and sizes are not told. */
export function localHeader(entry: ZipRecord): Buffer {
  const [crc, compressed, size] = entry.isStreamed
    ? [0, 0, 0]
    : [entry.crc, entry.compressedSize, entry.size]
  const extra = zip64Extra(isBig(entry) ? [size, compressed] : [])
  const shown = isBig(entry) ? { crc, compressed: max32, size: max32 } : { crc, compressed, size }
  return Buffer.concat([
    Buffer.from('PK\x03\x04', 'latin1'),
    commonPart(entry, shown),
    uint16(extra.length),
    entry.name,
    extra,
  ])
}

/** Stands behind a streamed entry's data. */
export function dataDescriptor(entry: ZipRecord): Buffer {
  const big = isBig(entry)
  const part = Buffer.alloc(big ? 24 : 16)
  part.write('PK\x07\x08', 'latin1')
  part.writeUInt32LE(entry.crc, 4)
  if (big) {
    part.writeBigUInt64LE(BigInt(entry.compressedSize), 8)
    part.writeBigUInt64LE(BigInt(entry.size), 16)
  } else {
    part.writeUInt32LE(entry.compressedSize, 8)
    part.writeUInt32LE(entry.size, 12)
  }
  return part
}

/** An entry's line in the central directory. */
export function centralHeader(entry: ZipRecord): Buffer {
  const { crc, compressedSize, size, offset } = entry
  const big = isBig(entry)
  const isFar = offset >= max32
  const extra = zip64Extra([...(big ? [size, compressedSize] : []), ...(isFar ? [offset] : [])])
  const sizes = big
    ? { crc, compressed: max32, size: max32 }
    : { crc, compressed: compressedSize, size }
  const isFolder = entry.name.at(-1) === 0x2f
  const rest = Buffer.alloc(16)
  rest.writeUInt16LE(extra.length, 0)
  // Comment, disk and internal attributes: none.
  rest.writeUInt32LE(((entry.mode << 16) | (isFolder ? 0x10 : 0)) >>> 0, 8)
  rest.writeUInt32LE(isFar ? max32 : offset, 12)
  return Buffer.concat([
    Buffer.from('PK\x01\x02', 'latin1'),
    uint16(unix | zip64Version),
    commonPart(entry, sizes),
    rest,
    entry.name,
    extra,
  ])
}

/** Ends the archive. `offset` and `bytes` are the central directory's. */
export function endOfArchive(directory: {
  entries: number
  offset: number
  bytes: number
}): Buffer {
  const { entries, offset, bytes } = directory
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(Math.min(entries, max16), 8)
  end.writeUInt16LE(Math.min(entries, max16), 10)
  end.writeUInt32LE(Math.min(bytes, max32), 12)
  end.writeUInt32LE(Math.min(offset, max32), 16)
  if (entries < max16 && bytes < max32 && offset < max32) return end
  const large = Buffer.alloc(56)
  large.write('PK\x06\x06', 'latin1')
  large.writeBigUInt64LE(44n, 4)
  large.writeUInt16LE(unix | zip64Version, 12)
  large.writeUInt16LE(zip64Version, 14)
  large.writeBigUInt64LE(BigInt(entries), 24)
  large.writeBigUInt64LE(BigInt(entries), 32)
  large.writeBigUInt64LE(BigInt(bytes), 40)
  large.writeBigUInt64LE(BigInt(offset), 48)
  const locator = Buffer.alloc(20)
  locator.write('PK\x06\x07', 'latin1')
  locator.writeBigUInt64LE(BigInt(offset + bytes), 8)
  locator.writeUInt32LE(1, 16)
  return Buffer.concat([large, locator, end])
}

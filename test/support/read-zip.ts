import { buffer } from 'node:stream/consumers'
import { crc32 } from 'node:zlib'
import { fromBufferPromise } from 'yauzl'

/** One entry as a reader that is not ours sees it. */
export interface ReadEntry {
  /** Bytes as they stand in the archive. */
  name: Buffer
  /** As in `st_mode`. */
  mode: number
  content: Buffer
}

const isUtf8Flag = 0x800
const isStreamedFlag = 8

/**
 * Reads a whole archive, in the order of its directory. Sizes, checksums, what the local headers say,
 * and whether names are told to be UTF-8 exactly where they are, are checked on the way.
 */
export async function readZip(bytes: Buffer): Promise<ReadEntry[]> {
  const zip = await fromBufferPromise(bytes, { lazyEntries: true, decodeStrings: false })
  const entries: ReadEntry[] = []
  for await (const entry of zip.eachEntry()) {
    const { fileNameRaw: name, generalPurposeBitFlag: flags } = entry
    const content = await buffer(await zip.openReadStreamPromise(entry))
    if (crc32(content) !== entry.crc32) throw new Error(`${String(name)}: wrong checksum`)
    const local = await zip.readLocalFileHeaderPromise(entry, {})
    const isStreamed = (flags & isStreamedFlag) !== 0
    if (
      !local.fileName.equals(name) ||
      local.generalPurposeBitFlag !== flags ||
      local.compressionMethod !== entry.compressionMethod ||
      (!isStreamed && local.crc32 !== entry.crc32)
    ) {
      throw new Error(`${String(name)}: local header and directory differ`)
    }
    const isUtf8 = Buffer.from(name.toString('utf8')).equals(name)
    if (isUtf8 !== ((flags & isUtf8Flag) !== 0)) throw new Error(`${String(name)}: wrong encoding`)
    entries.push({ name, mode: entry.externalFileAttributes >>> 16, content })
  }
  return entries
}

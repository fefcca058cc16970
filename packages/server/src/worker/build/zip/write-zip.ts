import { constants } from 'node:fs'
import { type FileHandle, open, readlink } from 'node:fs/promises'
import { promisify } from 'node:util'
import { crc32, deflateRaw as deflateRawCallback, constants as zlib } from 'node:zlib'
import { AppError } from '../../../errors.ts'
import { shownName, type TreeEntry } from './list-tree.ts'
import { mapAhead } from './map-ahead.ts'
import {
  centralHeader,
  dataDescriptor,
  endOfArchive,
  localHeader,
  type ZipRecord,
} from './zip-records.ts'

const deflateRaw = promisify<Buffer, Parameters<typeof deflateRawCallback>[1], Buffer>(
  deflateRawCallback,
)

/** What is compressed at once, by a thread of its own. Larger files are cut into blocks of this size. */
const blockBytes = 1024 * 1024
/** How far back a match may lie, by the format. */
const windowBytes = 32 * 1024
/** Blocks that are compressed while one is written: half of the threads that Node has for everybody. */
const blocksAhead = 2
const level = 6

/** A file of at most one block, or a link or folder, ready to be written. */
interface WholeEntry {
  record: Omit<ZipRecord, 'offset'>
  data: Buffer
}

/**
 * The bytes of a ZIP archive of these entries of a tree. They depend on nothing but names, contents,
 * targets of links and whether a file may be executed. Memory stays at a few blocks, and one line of
 * the central directory for each entry. AppError `invalid_request` when a file has changed since it
 * was listed.
 */
export async function* writeZip(
  input: {
    directory: string
    entries: readonly TreeEntry[]
    /** Told after each block how many bytes of all files are in the archive. */
    progress: (bytes: number) => void
  },
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const root = Buffer.from(`${input.directory}/`)
  const central: Buffer[] = []
  let offset = 0
  let done = 0
  const add = (record: ZipRecord) => void central.push(centralHeader(record))
  const small = (entry: TreeEntry) =>
    entry.size <= blockBytes ? readWhole(root, entry) : Promise.resolve(null)

  let next = 0
  for await (const whole of mapAhead(input.entries, blocksAhead, small)) {
    signal.throwIfAborted()
    const entry = input.entries[next++] as TreeEntry
    if (whole !== null) {
      const record = { ...whole.record, offset }
      const header = localHeader(record)
      offset += header.length + whole.data.length
      yield header
      yield whole.data
      add(record)
      input.progress((done += entry.size))
      continue
    }
    const record: ZipRecord = {
      ...namedAs(entry),
      isDeflated: true,
      isStreamed: true,
      crc: 0,
      compressedSize: 0,
      size: entry.size,
      offset,
    }
    const header = localHeader(record)
    offset += header.length
    yield header
    for await (const { data, size, crc } of deflateBlocks(root, entry)) {
      signal.throwIfAborted()
      record.crc = crc
      record.compressedSize += data.length
      offset += data.length
      yield data
      input.progress((done += size))
    }
    const descriptor = dataDescriptor(record)
    offset += descriptor.length
    yield descriptor
    add(record)
  }
  const bytes = central.reduce((sum, { length }) => sum + length, 0)
  // In larger pieces: each costs whoever takes it a turn.
  for (let at = 0; at < central.length; at += 1_000)
    yield Buffer.concat(central.slice(at, at + 1_000))
  yield endOfArchive({ entries: central.length, offset, bytes })
}

function namedAs({ kind, name, isExecutable }: TreeEntry): Pick<ZipRecord, 'name' | 'mode'> {
  if (kind === 'link') return { name, mode: 0o120777 }
  if (kind === 'folder') return { name, mode: 0o040755 }
  return { name, mode: isExecutable ? 0o100755 : 0o100644 }
}

async function readWhole(root: Buffer, entry: TreeEntry): Promise<WholeEntry> {
  const raw = await contentOf(root, entry)
  const packed =
    entry.kind === 'file' && raw.length > 0 ? await deflateRaw(raw, settings(raw)) : raw
  const isDeflated = packed.length < raw.length
  const data = isDeflated ? packed : raw
  const record = {
    ...namedAs(entry),
    isDeflated,
    isStreamed: false,
    crc: crc32(raw),
    compressedSize: data.length,
    size: raw.length,
  }
  return { record, data }
}

/** Where the result fits, one visit to a thread is enough. */
function settings(raw: Buffer) {
  return { level, chunkSize: Math.max(1024, raw.length + 256) }
}

async function contentOf(root: Buffer, entry: TreeEntry): Promise<Buffer> {
  if (entry.kind === 'folder') return Buffer.alloc(0)
  if (entry.kind === 'link') {
    return readlink(Buffer.concat([root, entry.name]), { encoding: 'buffer' })
  }
  const file = await openFile(root, entry)
  try {
    return await readBlock(file, entry, 0)
  } finally {
    await file.close()
  }
}

async function openFile(root: Buffer, entry: TreeEntry): Promise<FileHandle> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const file = await open(Buffer.concat([root, entry.name]), flags)
  const stat = await file.stat()
  if (stat.isFile() && stat.size === entry.size) return file
  await file.close()
  throw changed(entry)
}

/** The block that begins at `start`. */
async function readBlock(file: FileHandle, entry: TreeEntry, start: number): Promise<Buffer> {
  const block = Buffer.allocUnsafe(Math.min(blockBytes, entry.size - start))
  for (let filled = 0; filled < block.length;) {
    const { bytesRead } = await file.read(block, filled, block.length - filled, start + filled)
    if (bytesRead === 0) throw changed(entry)
    filled += bytesRead
  }
  return block
}

/**
 * One deflate stream in blocks that are compressed side by side: each but the last ends at a whole
 * byte, and may refer to the end of the one before. `crc` is that of everything so far.
 */
async function* deflateBlocks(
  root: Buffer,
  entry: TreeEntry,
): AsyncGenerator<{ data: Buffer; size: number; crc: number }> {
  const file = await openFile(root, entry)
  async function* read() {
    let before: Buffer | null = null
    for (let start = 0; start < entry.size; start += blockBytes) {
      const raw: Buffer = await readBlock(file, entry, start)
      yield { raw, before, isLast: start + raw.length === entry.size }
      before = raw.subarray(-windowBytes)
    }
  }
  try {
    let crc = 0
    const blocks = mapAhead(read(), blocksAhead, async ({ raw, before, isLast }) => ({
      raw,
      data: await deflateRaw(raw, {
        ...settings(raw),
        finishFlush: isLast ? zlib.Z_FINISH : zlib.Z_SYNC_FLUSH,
        ...(before === null ? {} : { dictionary: before }),
      }),
    }))
    for await (const { raw, data } of blocks) {
      crc = crc32(raw, crc)
      yield { data, size: raw.length, crc }
    }
  } finally {
    await file.close()
  }
}

function changed(entry: TreeEntry): AppError {
  return new AppError('invalid_request', `${shownName(entry.name)} changed while it was packed`)
}

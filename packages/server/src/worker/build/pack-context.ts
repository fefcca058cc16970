import { constants } from 'node:fs'
import { open, readlink } from 'node:fs/promises'
import { AppError } from '../../errors.ts'
import { shownName, type TreeEntry } from './zip/list-tree.ts'
import { mapAhead } from './zip/map-ahead.ts'

const block = 512
const chunkBytes = 256 * 1024
/** Small files that are read while the one before them is sent. */
const readAhead = 8
/** Names up to this length have a place in the header; longer ones come before it (GNU tar). */
const nameBytes = 100
/** Times are always the same, so that equal trees make equal layers: 1980-01-01, as in the ZIPs. */
const modified = 315_532_800
/** What eleven octal digits can say; more is written in base 256. */
const mostInOctal = 8 ** 11

const types = { file: '0', link: '2', folder: '5', longLink: 'K', longName: 'L' } as const

/**
 * A tar archive of entries of a tree, for an image engine. Names may be any bytes; links are kept as
 * links, with whatever target they have. AppError `invalid_request` when a file has changed since it was
 * listed.
 */
export async function* packContext(
  input: { directory: string; entries: Iterable<TreeEntry> },
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const root = Buffer.from(`${input.directory}/`)
  const pack = async (entry: TreeEntry) => {
    signal.throwIfAborted()
    const path = Buffer.concat([root, entry.name])
    const isLarge = entry.kind === 'file' && entry.size > chunkBytes
    const parts = [await headOf(path, entry)]
    if (entry.kind === 'file' && !isLarge) {
      for await (const chunk of contentOf(path, entry, signal)) parts.push(chunk)
    }
    return { parts, entry, path, isLarge }
  }
  for await (const { parts, entry, path, isLarge } of mapAhead(input.entries, readAhead, pack)) {
    yield parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
    if (isLarge) yield* contentOf(path, entry, signal)
  }
  yield Buffer.alloc(2 * block)
}

async function headOf(path: Buffer, entry: TreeEntry): Promise<Buffer> {
  const target =
    entry.kind === 'link' ? await readlink(path, { encoding: 'buffer' }) : Buffer.alloc(0)
  return Buffer.concat([
    ...(entry.name.length > nameBytes ? longEntry(types.longName, entry.name) : []),
    ...(target.length > nameBytes ? longEntry(types.longLink, target) : []),
    header({ ...entry, type: types[entry.kind], target }),
  ])
}

async function* contentOf(
  path: Buffer,
  entry: TreeEntry,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const changed = () =>
    new AppError('invalid_request', `${shownName(entry.name)} changed while it was packed`)
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const file = await open(path, flags).catch(() => {
    throw changed()
  })
  try {
    const stat = await file.stat()
    if (!stat.isFile() || stat.size !== entry.size) throw changed()
    for (let done = 0; done < entry.size;) {
      signal.throwIfAborted()
      const wanted = Math.min(chunkBytes, entry.size - done)
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(wanted), 0, wanted, done)
      if (bytesRead === 0) throw changed()
      done += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
    if (entry.size % block > 0) yield Buffer.alloc(block - (entry.size % block))
  } finally {
    await file.close()
  }
}

/** A name that has no place in the header, as an entry of its own before it. */
function longEntry(type: string, name: Buffer): Buffer[] {
  const size = name.length + 1
  const entry = { name: Buffer.from('././@LongLink'), size, isExecutable: false }
  const padding = Buffer.alloc(Math.ceil(size / block) * block - name.length)
  return [header({ ...entry, type, target: Buffer.alloc(0) }), name, padding]
}

function header(entry: {
  name: Buffer
  size: number
  isExecutable: boolean
  type: string
  target: Buffer
}): Buffer {
  const { name, size, isExecutable, type, target } = entry
  const bytes = Buffer.alloc(block)
  const mode = type === types.link ? 0o777 : isExecutable || type === types.folder ? 0o755 : 0o644
  name.copy(bytes, 0, 0, nameBytes)
  bytes.write(octal(mode, 7), 100)
  bytes.write(octal(0, 7), 108)
  bytes.write(octal(0, 7), 116)
  if (size < mostInOctal) bytes.write(octal(size, 11), 124)
  else {
    bytes[124] = 0x80
    bytes.writeBigUInt64BE(BigInt(size), 128)
  }
  bytes.write(octal(modified, 11), 136)
  // The checksum is that of a header in which it is blank.
  bytes.write(' '.repeat(8), 148)
  bytes.write(type, 156)
  target.copy(bytes, 157, 0, nameBytes)
  // GNU's own mark: base 256 and entries of long names are its.
  bytes.write('ustar  \0', 257, 'latin1')
  const sum = bytes.reduce((all, byte) => all + byte, 0)
  bytes.write(`${octal(sum, 6)}\0 `, 148)
  return bytes
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}

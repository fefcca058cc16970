import type { FileHandle } from 'node:fs/promises'
import { AppError } from '../errors.ts'

/** Where an archive holds a file, or what a link in it leads to. */
export type TarEntry =
  | { type: 'file'; offset: number; size: number }
  | { type: 'link'; target: string }

const block = 512
const maxEntries = 20_000
/** Of a long name or a set of extended attributes, in bytes. */
const maxExtension = 64 * 1024

/**
 * Reads what a tar archive holds without reading its contents, so that a large or hostile one costs
 * nothing: files and links by their names, which are relative and free of `..`. Of two entries of one
 * name the later counts. AppError `invalid_request` when it is no archive, cut off, or tries anything.
 */
export async function readTarIndex(
  file: FileHandle,
  signal: AbortSignal,
): Promise<Map<string, TarEntry>> {
  const { size: end } = await file.stat()
  const entries = new Map<string, TarEntry>()
  let extension: Extension = {}
  for (let position = 0; position + block <= end;) {
    signal.throwIfAborted()
    const header = parseHeader(await readExactly(file, position, block))
    if (header === null) return entries
    const start = position + block
    const size = extension.size ?? header.size
    if (start + size > end) refuse('it is cut off')
    position = start + Math.ceil(size / block) * block
    if (isExtension(header.type)) {
      if (size > maxExtension) refuse('a name in it is too long')
      const content = await readExactly(file, start, size)
      extension = { ...extension, ...parseExtension(header.type, content) }
      continue
    }
    const name = cleanName(extension.name ?? header.name)
    const target = extension.target ?? header.target
    extension = {}
    if (entries.size === maxEntries) refuse(`it holds more than ${maxEntries} files`)
    if (fileTypes.has(header.type)) entries.set(name, { type: 'file', offset: start, size })
    else if (linkTypes.has(header.type)) entries.set(name, { type: 'link', target })
  }
  if (entries.size === 0) refuse('it is empty or no archive')
  return entries
}

/** What pax and GNU headers say of the entry behind them. */
interface Extension {
  name?: string
  target?: string
  size?: number
}

interface Header {
  name: string
  target: string
  size: number
  type: string
}

const fileTypes: ReadonlySet<string> = new Set(['0', '\0', '7'])
const linkTypes: ReadonlySet<string> = new Set(['1', '2'])

function isExtension(type: string): boolean {
  return 'xgLK'.includes(type)
}

function refuse(why: string): never {
  throw new AppError('invalid_request', `The archive cannot be read: ${why}`)
}

async function readExactly(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  let read = 0
  while (read < length) {
    const { bytesRead } = await file.read(buffer, read, length - read, position + read)
    if (bytesRead === 0) refuse('it is cut off')
    read += bytesRead
  }
  return buffer
}

/** Null at the end of the archive, which is a block of zeros. */
function parseHeader(buffer: Buffer): Header | null {
  if (buffer.every((byte) => byte === 0)) return null
  let sum = 0
  for (const [index, byte] of buffer.entries()) sum += index >= 148 && index < 156 ? 32 : byte
  const isNone = 'it is no tar archive'
  if (sum !== parseNumber(buffer.subarray(148, 156), isNone)) refuse(isNone)
  const isUstar = buffer.toString('latin1', 257, 263) === 'ustar\0'
  const prefix = isUstar ? parseText(buffer.subarray(345, 500)) : ''
  const name = parseText(buffer.subarray(0, 100))
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    target: parseText(buffer.subarray(157, 257)),
    size: parseNumber(buffer.subarray(124, 136)),
    type: String.fromCharCode(buffer[156] ?? 0),
  }
}

function parseText(field: Buffer): string {
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end === -1 ? field.length : end)
}

/** Octal, or binary where its first bit says so (GNU). */
function parseNumber(field: Buffer, otherwise = 'a number in it is none'): number {
  const [first = 0] = field
  if ((first & 0x80) === 0) {
    const digits = parseText(field).trim()
    if (!/^[0-7]*$/.test(digits)) refuse(otherwise)
    return digits === '' ? 0 : Number.parseInt(digits, 8)
  }
  const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, first & 0x7f)
  if (!Number.isSafeInteger(value)) refuse('a number in it is too large')
  return value
}

function parseExtension(type: string, content: Buffer): Extension {
  if (type === 'L') return { name: parseText(content) }
  if (type === 'K') return { target: parseText(content) }
  // What holds for all entries never names or sizes one.
  return type === 'x' ? parsePax(content) : {}
}

/** Records of the form "<length> <key>=<value>\n". */
function parsePax(content: Buffer): Extension {
  const found: Extension = {}
  for (let start = 0; start < content.length;) {
    const space = content.indexOf(0x20, start)
    const digits = content.toString('latin1', start, space === -1 ? start : space)
    const length = /^\d{1,6}$/.test(digits) ? Number(digits) : 0
    const record = content.toString('utf8', space + 1, start + length - 1)
    const equals = record.indexOf('=')
    if (length <= digits.length + 1 || start + length > content.length || equals === -1) {
      refuse('its extended attributes are broken')
    }
    const key = record.slice(0, equals)
    const value = record.slice(equals + 1)
    if (key === 'path') found.name = value
    else if (key === 'linkpath') found.target = value
    else if (key === 'size') {
      if (!/^\d{1,15}$/.test(value)) refuse('a size in it is none')
      found.size = Number(value)
    }
    start += length
  }
  return found
}

function cleanName(name: string): string {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  if (name.startsWith('/') || parts.includes('..') || name.includes('\0')) {
    refuse(`${JSON.stringify(name.slice(0, 100))} leads out of it`)
  }
  return parts.join('/')
}

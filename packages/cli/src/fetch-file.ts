import { createHash, type Hash } from 'node:crypto'
import { constants, type FileHandle, open, rename, rm } from 'node:fs/promises'
import type { DownloadOptions, FileDownload } from '@slipway/sdk'
import { SlipwayError } from '@slipway/sdk'
import { setTimeout as sleep } from 'node:timers/promises'
import { claimPartial } from './claim-partial.ts'
import { CliError } from './cli-error.ts'
import { exitCodes } from './exit-codes.ts'
import { putInPlace, refuseExisting } from './put-in-place.ts'

export interface FetchFileInput {
  /** Where the file goes: never half, never over another file unless `force`. */
  target: string
  force: boolean
  /** Bytes that it should have, and its SHA-256 in hexadecimal digits, as announced. */
  size: number
  sha256: string
  signal: AbortSignal
  /** Told how many bytes are there now, those of an earlier try too. */
  onProgress: (done: number) => void
}

/** Tries in a row that bring nothing. */
const fruitlessTries = 5
const firstDelayMs = 250

/**
 * Downloads a file whose checksum is known. It grows under a name of its own beside the target, which holds
 * the checksum: what broke off is gone on with, now or by the next command, and by one command at a time.
 * Only what is whole and right gets its name.
 *
 * @throws CliError when the target is there already, or what came is not what was announced
 */
export async function fetchFile(
  openDownload: (options: DownloadOptions) => Promise<FileDownload>,
  input: FetchFileInput,
): Promise<void> {
  const { target, sha256, size, signal } = input
  if (!input.force) await refuseExisting(target)
  const partial = `${target}.${sha256.slice(0, 12)}.part`
  const own = await claimPartial(partial)
  // Whoever else may write here must not have us write elsewhere.
  const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW } = constants
  const file = await open(own, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, 0o666)
  try {
    const part = await readPart(file, size)
    await complete(openDownload, { ...input, part })
    signal.throwIfAborted()
    if (part.size !== size || part.hash.digest('hex') !== sha256) {
      throw wrong(`${target} did not come as it was announced: its checksum is another one`)
    }
    await file.sync()
  } catch (error) {
    const { size: kept } = await file.stat()
    // What is wrong is of no use to a later try.
    if (kept === 0 || error instanceof CliError) await rm(own, { force: true })
    else await rename(own, partial)
    throw error
  } finally {
    await file.close()
  }
  await putInPlace(own, input)
}

/** What is there, and its hash so far. */
interface Part {
  file: FileHandle
  hash: Hash
  size: number
}

async function readPart(file: FileHandle, most: number): Promise<Part> {
  const part = { file, hash: createHash('sha256'), size: 0 }
  const { size } = await file.stat()
  if (size > most) await file.truncate(0)
  else {
    for await (const chunk of file.createReadStream({ start: 0, autoClose: false })) {
      part.hash.update(chunk as Buffer)
      part.size += (chunk as Buffer).length
    }
  }
  return part
}

async function complete(
  openDownload: (options: DownloadOptions) => Promise<FileDownload>,
  { part, size, sha256, signal, onProgress }: FetchFileInput & { part: Part },
): Promise<void> {
  let fruitless = 0
  // The checksum names the content, so it may be asked for by it before any answer named another tag.
  let etag = `"${sha256}"`
  onProgress(part.size)
  while (part.size < size) {
    const before = part.size
    try {
      const from = part.size > 0 ? { from: { start: part.size, etag } } : {}
      const download = await openDownload({ ...from, signal })
      etag = download.etag ?? etag
      await take(download, { part, size, sha256, onProgress })
    } catch (error) {
      signal.throwIfAborted()
      if (!mayBreak(error)) throw error
      fruitless = part.size > before ? 0 : fruitless + 1
      if (fruitless >= fruitlessTries) throw error
      await sleep(firstDelayMs * 2 ** fruitless, undefined, { signal })
    }
  }
}

async function take(
  download: FileDownload,
  input: { part: Part; size: number; sha256: string; onProgress: (done: number) => void },
): Promise<void> {
  const { part, size, sha256, onProgress } = input
  const reader = download.body.getReader()
  try {
    if (download.sha256 !== null && download.sha256 !== sha256) {
      throw wrong('The server sends another file than the one that it announced')
    }
    if (download.start !== part.size) {
      if (download.start !== 0) throw wrong('The server sends another part than was asked for')
      await part.file.truncate(0)
      part.hash = createHash('sha256')
      part.size = 0
    }
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      if (part.size + value.length > size) throw wrong('The server sends more than it announced')
      await part.file.appendFile(value)
      part.hash.update(value)
      part.size += value.length
      onProgress(part.size)
    }
    if (part.size < size) throw new Error('The download broke off')
  } finally {
    await reader.cancel().catch(() => {})
  }
}

/** A connection that broke, or a server that is away for a moment. */
function mayBreak(error: unknown): boolean {
  if (error instanceof CliError) return false
  if (error instanceof SlipwayError) {
    return error.status === 0 || error.status === 429 || [502, 503, 504].includes(error.status)
  }
  // What `fetch` throws while it reads, and our own of a body that was too short; not what a disk says.
  return error instanceof Error && !('syscall' in error)
}

function wrong(message: string): CliError {
  return new CliError(
    message,
    'Try it again; if it stays so, make the build anew.',
    exitCodes.failed,
  )
}

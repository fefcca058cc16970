import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { buffer } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import { extract } from 'tar-stream'
import { hasCode } from '../../directories.ts'
import { StartupError } from '../../errors.ts'
import {
  type ArchiveEnd,
  chained,
  digestHeader,
  endName,
  type PaxHeaders,
  pieceBytes,
} from './archive-format.ts'

/** A piece of what was put into the archive under `name`. */
export interface ArchivePiece {
  name: string
  /** From 1. */
  number: number
  content: Buffer
}

/**
 * Reads an archive piece by piece; each has been checked, and behind the last one the whole. Throws
 * StartupError where it is none, or is not what was written.
 */
export async function* readArchive(
  path: string,
  signal: AbortSignal,
): AsyncGenerator<ArchivePiece> {
  const broken = (why: string) => new StartupError(`${path} cannot be restored: ${why}`)
  const entries = extract()
  const reading = createReadStream(path, { highWaterMark: 1024 * 1024 })
  const feeding = pipeline(reading, entries, { signal })
  feeding.catch(() => undefined)
  const chain = createHash('sha256')
  let count = 0
  let end: ArchiveEnd | null = null
  try {
    for await (const entry of entries) {
      const { name, size = 0, pax }: PaxHeaders = entry.header
      if (end !== null) throw broken('something is behind its end')
      if (size > pieceBytes) throw broken(`${name} is larger than anything in a backup`)
      const content = await buffer(Readable.from(entry))
      if (name === endName) {
        end = JSON.parse(content.toString('utf8')) as ArchiveEnd
        continue
      }
      const sha256 = createHash('sha256').update(content).digest('hex')
      const [, base, number] = /^(.+)~(\d{6,})$/.exec(name) ?? []
      if (base === undefined || pax?.[digestHeader] === undefined) {
        throw broken(`${name} is nothing that a backup has`)
      }
      if (sha256 !== pax[digestHeader]) throw broken(`the checksum of ${name} is another`)
      chain.update(chained(name, content.length, sha256))
      count += 1
      yield { name: base, number: Number(number), content }
    }
    await feeding
  } catch (error) {
    if (error instanceof StartupError) throw error
    signal.throwIfAborted()
    if (hasCode(error, 'ENOENT', 'EACCES', 'EISDIR')) {
      throw new StartupError(`${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`)
    }
    throw broken(`it is no backup, or damaged (${(error as Error).message})`)
  } finally {
    entries.destroy()
    reading.destroy()
  }
  if (end === null) throw broken('its end is missing')
  if (end.entries !== count || end.sha256 !== chain.digest('hex')) {
    throw broken('something of it is missing or changed')
  }
}

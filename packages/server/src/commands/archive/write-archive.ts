import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { pack as createPack } from 'tar-stream'
import { syncPath } from '../../directories.ts'
import {
  type ArchiveEnd,
  chained,
  digestHeader,
  endName,
  type PaxHeaders,
  pieceBytes,
} from './archive-format.ts'

export interface ArchiveWriter {
  /** Bytes written so far, without the headers of tar. */
  readonly bytes: number
  put(name: string, content: AsyncIterable<Buffer>): Promise<void>
  /** Ends the archive: it is on disk and under its name. */
  finish(): Promise<void>
  /** Removes what there is of it; nothing where it is finished. */
  discard(): Promise<void>
}

/** Writes an archive that is at `path` when it is whole, and not before; only its owner can read it. */
export function writeArchive(path: string, signal: AbortSignal): ArchiveWriter {
  const draft = `${path}.${randomUUID()}.partial`
  const pack = createPack()
  const file = createWriteStream(draft, { flags: 'wx', mode: 0o600, flush: true })
  const written = pipeline(pack, file, { signal })
  let failure: unknown = null
  // Whoever writes the next entry is told.
  written.catch((error: unknown) => (failure ??= error))
  const failed = written.then(() => new Promise<never>(() => undefined))
  failed.catch(() => undefined)
  const chain = createHash('sha256')
  let entries = 0
  let bytes = 0
  let finished = false

  const writeEntry = async (name: string, content: Buffer, pax: Record<string, string>) => {
    // The stream is gone at once, and why it is only a moment later.
    signal.throwIfAborted()
    const entry = new Promise<void>((resolve, reject) => {
      const header: PaxHeaders = {
        name,
        size: content.length,
        mode: 0o600,
        mtime: new Date(0),
        pax,
      }
      const sink = pack.entry(header, (error) => (error ? reject(asError(error)) : resolve()))
      sink.end(content)
    })
    await Promise.race([entry, failed])
    if (failure !== null) throw asError(failure)
  }

  const writePiece = async (name: string, content: Buffer) => {
    const sha256 = createHash('sha256').update(content).digest('hex')
    await writeEntry(name, content, { [digestHeader]: sha256 })
    chain.update(chained(name, content.length, sha256))
    entries += 1
    bytes += content.length
  }

  return {
    get bytes() {
      return bytes
    },

    async put(name, content) {
      let number = 0
      for await (const piece of inPieces(content)) {
        number += 1
        await writePiece(`${name}~${String(number).padStart(6, '0')}`, piece)
      }
    },

    async finish() {
      const end: ArchiveEnd = { entries, sha256: chain.digest('hex') }
      await writeEntry(endName, Buffer.from(JSON.stringify(end)), {})
      pack.finalize()
      await written
      await rename(draft, path)
      finished = true
      await syncPath(dirname(path))
    },

    async discard() {
      if (finished) return
      pack.destroy()
      await written.catch(() => undefined)
      await rm(draft, { force: true })
    },
  }
}

const asError = (error: unknown) => (error instanceof Error ? error : new Error(String(error)))

/** At least one piece, if an empty one. */
async function* inPieces(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let chunks: Buffer[] = []
  let size = 0
  let isFirst = true
  const take = () => {
    const piece = Buffer.concat(chunks, size)
    chunks = []
    size = 0
    isFirst = false
    return piece
  }
  for await (let chunk of content) {
    while (size + chunk.length > pieceBytes) {
      const head = chunk.subarray(0, pieceBytes - size)
      chunks.push(head)
      size += head.length
      chunk = chunk.subarray(head.length)
      yield take()
    }
    chunks.push(chunk)
    size += chunk.length
  }
  if (isFirst || size > 0) yield take()
}

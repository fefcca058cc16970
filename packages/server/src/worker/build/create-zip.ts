import { createHash } from 'node:crypto'
import { readlink } from 'node:fs/promises'
import { posix } from 'node:path'
import { Readable } from 'node:stream'
import { type BuildAttempt, outputPrefix, type ProducedOutput } from '../../builds/index.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import { archiveName } from './archive-name.ts'
import type { Note } from './clone/deps.ts'
import { listTree, shownName, type TreeEntry } from './zip/list-tree.ts'
import { writeZip } from './zip/write-zip.ts'

/** Milliseconds that one upload may take; the step's own time limit ends it sooner. */
const uploadMs = 8 * 86_400_000
/** Links that lead out which are named in the log. */
const namedLinks = 20

/**
 * Packs a tree into a ZIP archive in the object store: equal trees give equal bytes. Nothing is left in
 * the store when it fails. AppError `invalid_request` says what of the tree cannot be packed.
 */
export async function createZip(
  deps: { objects: ObjectStore },
  input: {
    attempt: Pick<BuildAttempt, 'buildId' | 'number' | 'repository'>
    /** Absolute. */
    directory: string
    note: Note
    /** Told whole percent. */
    progress: (percent: number) => void
  },
  signal: AbortSignal,
): Promise<Extract<ProducedOutput, { type: 'zip' }>> {
  const { attempt, directory, note, progress } = input
  const entries = await listTree(directory, signal)
  const total = entries.reduce((sum, { size }) => sum + size, 0)
  await note(`Packing ${entries.length} files, ${total} bytes`)
  await warnOfLinks(directory, entries, note)
  const fileName = archiveName(attempt.repository, new Date())
  const objectKey = outputPrefix(attempt.buildId, attempt.number) + fileName
  const hash = createHash('sha256')
  let sizeBytes = 0
  async function* hashed() {
    const packed = {
      directory,
      entries,
      progress: (bytes: number) => progress(percent(bytes, total)),
    }
    for await (const chunk of writeZip(packed, signal)) {
      hash.update(chunk)
      sizeBytes += chunk.length
      yield chunk
    }
  }
  // The signal also ends a store that takes nothing more.
  const archive = Readable.from(hashed(), { objectMode: false, signal })
  try {
    await deps.objects.put(objectKey, archive, {
      contentType: 'application/zip',
      timeoutMs: uploadMs,
    })
  } finally {
    archive.destroy()
  }
  const sha256 = hash.digest('hex')
  await note(`${fileName}: ${sizeBytes} bytes, SHA-256 ${sha256}`)
  return { type: 'zip', objectKey, fileName, sizeBytes, sha256 }
}

function percent(bytes: number, total: number): number {
  return total === 0 ? 100 : Math.floor((bytes / total) * 100)
}

/** They are kept as they are; whoever unpacks the archive should know of them. */
async function warnOfLinks(
  directory: string,
  entries: readonly TreeEntry[],
  note: Note,
): Promise<void> {
  const leading: string[] = []
  for (const { kind, name } of entries) {
    if (kind !== 'link') continue
    const path = Buffer.concat([Buffer.from(`${directory}/`), name])
    const target = await readlink(path, { encoding: 'buffer' })
    if (leadsOut(name, target)) leading.push(`${shownName(name)} to ${shownName(target)}`)
  }
  if (leading.length === 0) return
  const more = leading.length > namedLinks ? `, and ${leading.length - namedLinks} more` : ''
  const named = leading.slice(0, namedLinks).join(', ')
  await note(`Warning: links that lead out of the tree are kept as links: ${named}${more}`)
}

function leadsOut(name: Buffer, target: Buffer): boolean {
  const [from, to] = [name.toString('latin1'), target.toString('latin1')]
  const place = posix.join(posix.dirname(from), to)
  return to.startsWith('/') || place === '..' || place.startsWith('../')
}

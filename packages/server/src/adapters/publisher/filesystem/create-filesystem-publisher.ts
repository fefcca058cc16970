import { createHash, randomUUID } from 'node:crypto'
import { constants, createReadStream, createWriteStream } from 'node:fs'
import { mkdir, open, realpath, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pathToFileURL } from 'node:url'
import { hasCode, syncPath } from '../../../directories.ts'
import { AppError } from '../../../errors.ts'
import type { Publisher } from '../../../ports/publisher.ts'
import { publicationPath, requireFile, textKey } from '../publication-path.ts'

/**
 * Publishes into a directory that the server's operator has named, at
 * `<path>/<owner>/<name>/<project>/<commit>/<artifact>/<digest>/<file>`. A file is written aside, synced and
 * renamed, so that nobody sees half of it; one that is there already is never written over.
 */
export function createFilesystemPublisher(): Publisher {
  return {
    async publish(publication, signal) {
      const content = requireFile(publication)
      const root = textKey(publication, 'path')
      if (root === null) throw new AppError('invalid_request', 'It names no path')
      const path = join(root, publicationPath(publication.artifact, content))
      const published = { uri: pathToFileURL(path).href, digest: content.digest }
      await makeFolder(root, dirname(path))
      const there = await digestOfFile(path, signal)
      if (there === content.digest) return published
      if (there !== null) {
        throw new AppError(
          'resource_conflict',
          `${basename(path)} of this commit is there already, with other content (${there})`,
        )
      }
      const temporary = join(dirname(path), `.${randomUUID()}.incoming`)
      try {
        const file = createWriteStream(temporary, { flags: 'wx', mode: 0o644, flush: true })
        await pipeline(content.open(), file, { signal })
        await rename(temporary, path)
        await syncPath(dirname(path))
      } finally {
        await rm(temporary, { force: true })
      }
      return published
    },
  }
}

/** Makes the folder, which no symbolic link below the root may lead out of it. */
async function makeFolder(root: string, folder: string): Promise<void> {
  let base: string
  try {
    base = await realpath(root)
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) throw error
    throw new AppError('unavailable', 'The directory of this publisher is not there')
  }
  try {
    const first = await mkdir(folder, { recursive: true, mode: 0o755 })
    for (let made = folder; made.length >= (first ?? `${folder}/`).length; made = dirname(made)) {
      await syncPath(dirname(made))
    }
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST')) throw error
    throw new AppError('unavailable', 'The directory of this publisher cannot be written')
  }
  if ((await realpath(folder)).startsWith(base + sep)) return
  throw new AppError('unavailable', 'A symbolic link leads out of the directory of this publisher')
}

/** Null when there is no such file. */
async function digestOfFile(path: string, signal: AbortSignal): Promise<string | null> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const hash = createHash('sha256')
    const sink = new Writable({
      write(chunk: Buffer, _encoding, done) {
        hash.update(chunk)
        done()
      },
    })
    await pipeline(createReadStream('', { fd: file }), sink, { signal })
    return `sha256:${hash.digest('hex')}`
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  }
}

import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { extract, type Headers, pack as createPack } from 'tar-stream'
import { measuring } from '../../../oci/index.ts'
import { AppError } from '../../../errors.ts'
import type { ArtifactContent } from '../../../ports/publisher.ts'

type FileContent = Extract<ArtifactContent, { kind: 'file' }>

/** A package as a registry takes it. */
export interface NpmPackage {
  /** Of its package.json, with a name and a version that are checked. */
  manifest: Record<string, unknown> & { name: string; version: string }
  /** Local file with the tarball. */
  path: string
  size: number
  /** Hexadecimal SHA-1, and `sha512-<base64>`: what a registry's documents hold. */
  shasum: string
  integrity: string
}

/** Packages that are larger do not go through a registry's API, which takes them as one JSON document. */
const maxPackageBytes = 256 * 1024 * 1024
/** Files of a package may be larger together, but no bomb. */
const maxUnpackedBytes = 2 * 1024 * 1024 * 1024
const maxManifestBytes = 1024 * 1024
/** Between two files of an archive: long names and the like, which its reader keeps in memory. */
const maxHeaderBytes = 4 * 1024 * 1024

const nameSyntax = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/
const versionSyntax =
  /^(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/

/**
 * Makes the tarball of a package out of an artifact and hands it to `use`: the content is either a
 * folder with a package.json, or what `npm pack` wrote, or a folder with one such file. Everything is
 * removed afterwards. AppError `invalid_request` when it is no package.
 */
export async function withPackage<T>(
  content: FileContent,
  scratchDirectory: string,
  signal: AbortSignal,
  use: (found: NpmPackage) => Promise<T>,
): Promise<T> {
  await mkdir(scratchDirectory, { recursive: true, mode: 0o700 })
  const folder = await mkdtemp(join(scratchDirectory, 'npm-'))
  try {
    return await use(await preparePackage(content, folder, signal))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function preparePackage(
  content: FileContent,
  folder: string,
  signal: AbortSignal,
): Promise<NpmPackage> {
  const found = await inspect(() => content.open(), signal)
  if (found.manifest !== null) {
    const path = join(folder, 'package.tgz')
    if (found.root === 'package/')
      await pipeline(content.open(), createWriteStream(path), { signal })
    else await repack(() => content.open(), found.root, path, signal)
    return measure(found.manifest, path, signal)
  }
  if (found.tarball === null) {
    throw refusal('it has neither a package.json at its top nor one tarball of npm pack')
  }
  const path = join(folder, 'inner.tgz')
  await extractFile(() => content.open(), found.tarball, path, signal)
  const inner = await inspect(() => createReadStream(path), signal)
  if (inner.manifest === null || inner.root !== 'package/') {
    throw refusal(`${found.tarball} in it is no tarball of npm pack`)
  }
  return measure(inner.manifest, path, signal)
}

function refusal(why: string): AppError {
  return new AppError('invalid_request', `It is no npm package: ${why}`)
}

interface Inspected {
  manifest: NpmPackage['manifest'] | null
  /** What stands before the names of the package's files. */
  root: '' | 'package/'
  /** The only file, when that is a tarball. */
  tarball: string | null
}

/** Names without the `./` that archives of folders begin with. */
const nameOf = (header: Headers) => header.name.replace(/^(?:\.\/)+/, '')

async function inspect(open: () => Readable, signal: AbortSignal): Promise<Inspected> {
  const manifests = new Map<string, Buffer>()
  let fileCount = 0
  let lastFile = ''
  await readEntries(open(), signal, async (header, body) => {
    const name = nameOf(header)
    if (header.type === 'file') {
      fileCount += 1
      lastFile = name
    }
    const isManifest = name === 'package.json' || name === 'package/package.json'
    if (!isManifest) return void body.resume()
    if ((header.size ?? 0) > maxManifestBytes) throw refusal('its package.json is too large')
    manifests.set(name, await buffer(body))
  })
  const root = manifests.has('package.json') ? '' : 'package/'
  const json = manifests.get(`${root}package.json`)
  const tarball = fileCount === 1 && lastFile.endsWith('.tgz') ? lastFile : null
  return { manifest: json === undefined ? null : parseManifest(json), root, tarball }
}

function parseManifest(json: Buffer): NpmPackage['manifest'] {
  let value: unknown
  try {
    value = JSON.parse(json.toString('utf8'))
  } catch {
    throw refusal('its package.json is not JSON')
  }
  const manifest = (value ?? {}) as NpmPackage['manifest']
  const { name, version } = manifest
  if (typeof name !== 'string' || name.length > 214 || !nameSyntax.test(name)) {
    throw refusal('its package.json has no valid name')
  }
  if (typeof version !== 'string' || version.length > 256 || !versionSyntax.test(version)) {
    throw refusal('its package.json has no valid version')
  }
  if (manifest['private'] === true) throw refusal('its package.json says "private": true')
  return manifest
}

/** Every entry in turn; what `each` leaves of its body is skipped. */
async function readEntries(
  source: Readable,
  signal: AbortSignal,
  each: (header: Headers, body: Readable) => Promise<void>,
): Promise<void> {
  const entries = extract()
  let passed = 0
  /** What may have passed before the next entry is met. */
  let expected = maxHeaderBytes
  const guard = new Transform({
    transform(chunk: Buffer, _encoding, pass) {
      passed += chunk.length
      if (passed > expected) pass(refusal('its headers are too large'))
      else pass(null, chunk)
    },
  })
  const feeding = pipeline(source, createGunzip(), guard, entries, { signal })
  // Its failure is that of `entries`, too.
  feeding.catch(() => {})
  let total = 0
  try {
    for await (const entry of entries) {
      total += entry.header.size ?? 0
      if (total > maxUnpackedBytes) throw refusal('it is too large')
      expected = passed + (entry.header.size ?? 0) + maxHeaderBytes
      await each(entry.header, entry)
      entry.resume()
    }
    await feeding
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof AppError) throw error
    throw refusal('it is no gzipped tar archive')
  } finally {
    entries.destroy()
  }
}

/** The files of a folder, below `package/`, as `npm pack` writes them; links have no place in a package. */
async function repack(
  open: () => Readable,
  root: string,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const pack = createPack()
  const writing = pipeline(Readable.from(pack), createGzip({ level: 9 }), createWriteStream(path), {
    signal,
  })
  const reading = readEntries(open(), signal, async (header, body) => {
    if (header.type !== 'file') return
    const { size = 0, mode = 0o644 } = header
    const name = `package/${nameOf(header).slice(root.length)}`
    await pipeline(body, pack.entry({ name, size, mode, mtime: packedAt }), { signal })
  }).then(
    () => pack.finalize(),
    (error: unknown) => {
      pack.destroy(error instanceof Error ? error : new Error(String(error)))
      throw error
    },
  )
  const [read, written] = await Promise.allSettled([reading, writing])
  if (read.status === 'rejected') throw read.reason
  if (written.status === 'rejected') throw written.reason
}

/** The time that npm gives to every file of a package. */
const packedAt = new Date('1985-10-26T08:15:00.000Z')

async function extractFile(
  open: () => Readable,
  name: string,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  await readEntries(open(), signal, async (header, body) => {
    if (nameOf(header) === name) await pipeline(body, createWriteStream(path), { signal })
  })
}

async function measure(
  manifest: NpmPackage['manifest'],
  path: string,
  signal: AbortSignal,
): Promise<NpmPackage> {
  const sha1 = createHash('sha1')
  const sha512 = createHash('sha512')
  const measured = measuring()
  await pipeline(
    createReadStream(path),
    measured.stream,
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        sha1.update(chunk)
        sha512.update(chunk)
      }
      yield* []
    },
    async (rest: AsyncIterable<Buffer>) => {
      for await (const _ of rest);
    },
    { signal },
  )
  const { size } = measured.result()
  if (size > maxPackageBytes) throw refusal(`it has more than ${maxPackageBytes} bytes`)
  return {
    manifest,
    path,
    size,
    shasum: sha1.digest('hex'),
    integrity: `sha512-${sha512.digest('base64')}`,
  }
}

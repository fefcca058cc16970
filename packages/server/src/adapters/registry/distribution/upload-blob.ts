import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Readable } from 'node:stream'
import { AppError } from '../../../errors.ts'
import { verifying } from '../../../oci/index.ts'
import type { BlobSource } from '../../../ports/registry.ts'
import type { Access } from './authorize.ts'
import type { RegistryClient } from './create-client.ts'
import { dropBody } from './read-body.ts'
import { toRefusal } from './refusals.ts'

export interface UploadDeps {
  client: RegistryClient
  base: string
  /** Milliseconds without progress after which an upload is given up. */
  stallMs: number
  pauseMs: number
}

/** Whole uploads, each from the beginning. */
const tries = 3
const chunkBytes = 8 * 1024 * 1024
/** A chunk is in memory: a registry that wants larger ones refuses those that it gets. */
const mostChunkBytes = 64 * 1024 * 1024
/** What a registry says that takes no stream of this length, or none at all. */
const wantsChunks: ReadonlySet<number> = new Set([405, 411, 413, 501])

/**
 * Uploads a blob in one piece, or in chunks where the registry demands it. A broken upload starts
 * anew; the registry shows nothing of it before its end, where it compares the digest.
 */
export async function uploadBlob(
  deps: UploadDeps,
  input: { repository: string; blob: BlobSource },
  signal: AbortSignal,
): Promise<void> {
  let inChunks = false
  for (let attempt = 1; ; attempt++) {
    const outcome = await tryUpload(deps, { ...input, inChunks }, signal).catch(
      (error: unknown) => {
        signal.throwIfAborted()
        if (attempt === tries || !isPassing(error)) throw error
        return 'again' as const
      },
    )
    if (outcome === 'done') return
    if (outcome === 'chunks') inChunks = true
    else await sleep(deps.pauseMs * 2 ** attempt, undefined, { signal })
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof AppError && error.code === 'unavailable'
}

async function tryUpload(
  deps: UploadDeps,
  input: { repository: string; blob: BlobSource; inChunks: boolean },
  signal: AbortSignal,
): Promise<'done' | 'chunks'> {
  const { client } = deps
  const { repository, blob, inChunks } = input
  const access: Access = { repository, action: 'push' }
  const start = client.urlOf(`/v2/${repository}/blobs/uploads/`)
  const opened = await client.send({ method: 'POST', url: start, access }, signal)
  if (opened.status !== 202) {
    throw (await toRefusal(opened, { base: deps.base, doing: `blobs of ${repository}` })).error
  }
  const location = client.locationOf(opened, start)
  const least = Number(opened.headers.get('oci-chunk-min-length') ?? 0)
  await dropBody(opened)
  try {
    return inChunks
      ? await sendChunks(deps, { access, blob, location, least }, signal)
      : await sendWhole(deps, { access, blob, location }, signal)
  } catch (error) {
    // Best effort, so that nothing is left over there; it forgets it by itself in the end.
    const ended = { method: 'DELETE', url: location, access, tries: 1, deadlineMs: 5_000 } as const
    await client.send(ended, signal).then(dropBody, () => {})
    throw error
  }
}

async function sendWhole(
  deps: UploadDeps,
  upload: { access: Access; blob: BlobSource; location: URL },
  signal: AbortSignal,
): Promise<'done' | 'chunks'> {
  const { access, blob, location } = upload
  const stall = watchProgress(deps.stallMs)
  const failure: SourceFailure = {}
  try {
    const response = await deps.client.send(
      {
        method: 'PUT',
        url: withDigest(location, blob.digest),
        access,
        headers: { 'content-type': 'application/octet-stream' },
        body: { size: blob.size, open: () => verified(blob, failure, stall.touch) },
        // Its place may be used up: another try needs a new upload.
        tries: 1,
      },
      AbortSignal.any([signal, stall.signal]),
    )
    if (wantsChunks.has(response.status)) {
      await dropBody(response)
      return 'chunks'
    }
    if (response.status !== 201 && response.status !== 204) {
      throw (await toRefusal(response, { base: deps.base, doing: `the blob ${blob.digest}` })).error
    }
    await dropBody(response)
    return 'done'
  } catch (error) {
    throw failure.error ?? (stall.signal.aborted ? stalled(deps) : error)
  } finally {
    stall.stop()
  }
}

async function sendChunks(
  deps: UploadDeps,
  upload: { access: Access; blob: BlobSource; location: URL; least: number },
  signal: AbortSignal,
): Promise<'done'> {
  const { access, blob, least } = upload
  const refuse = async (response: Response): Promise<never> => {
    throw (await toRefusal(response, { base: deps.base, doing: `the blob ${blob.digest}` })).error
  }
  let { location } = upload
  let start = 0
  const size = Math.max(
    chunkBytes,
    Number.isSafeInteger(least) ? Math.min(least, mostChunkBytes) : 0,
  )
  for await (const chunk of inPieces(await verified(blob, {}, () => {}), size)) {
    const response = await deps.client.send(
      {
        method: 'PATCH',
        url: location,
        access,
        headers: {
          'content-type': 'application/octet-stream',
          'content-range': `${start}-${start + chunk.length - 1}`,
        },
        body: chunk,
        deadlineMs: deps.stallMs,
        tries: 1,
      },
      signal,
    )
    if (response.status !== 202) return refuse(response)
    location = deps.client.locationOf(response, location)
    await dropBody(response)
    start += chunk.length
  }
  const url = withDigest(location, blob.digest)
  const closed = await deps.client.send(
    { method: 'PUT', url, access, deadlineMs: deps.stallMs, tries: 1 },
    signal,
  )
  if (closed.status !== 201 && closed.status !== 204) return refuse(closed)
  await dropBody(closed)
  return 'done'
}

/** What went wrong with a blob's own source: no fault of the registry's, and not tried again. */
interface SourceFailure {
  error?: unknown
}

/** The content of a blob, which fails where it is not what was promised. */
async function verified(
  blob: BlobSource,
  failure: SourceFailure,
  onProgress: () => void,
): Promise<Readable> {
  const checked = verifying(blob)
  const fail = (error: unknown): never => {
    if (!isOfReader(error)) failure.error ??= error
    throw error
  }
  const watched = async function* (content: AsyncIterable<Buffer>) {
    try {
      for await (const chunk of content) {
        onProgress()
        yield chunk
      }
    } catch (error) {
      fail(error)
    }
  }
  const source = await Promise.resolve(blob.open()).catch(fail)
  // Its failure destroys the stream that is handed out.
  pipeline(source, watched, checked).catch(() => {})
  return checked
}

/** Whether a stream ended because nobody read on. */
function isOfReader(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return /^(?:ABORT_ERR|ERR_STREAM_PREMATURE_CLOSE|ERR_STREAM_DESTROYED)$/.test(code)
}

async function* inPieces(stream: Readable, size: number): AsyncGenerator<Buffer> {
  let parts: Buffer[] = []
  let length = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    for (let start = 0; start < chunk.length;) {
      const part = chunk.subarray(start, start + size - length)
      parts.push(part)
      length += part.length
      start += part.length
      if (length < size) continue
      yield Buffer.concat(parts)
      parts = []
      length = 0
    }
  }
  if (length > 0) yield Buffer.concat(parts)
}

function withDigest(location: URL, digest: string): URL {
  const url = new URL(location)
  // Appended as text: the rest of the query is the registry's own, and stays as it is.
  url.search += `${url.search === '' ? '' : '&'}digest=${encodeURIComponent(digest)}`
  return url
}

/** Aborts when nobody has called `touch` for so long. */
function watchProgress(ms: number) {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), ms)
  return {
    signal: controller.signal,
    touch: () => void timer.refresh(),
    stop: () => clearTimeout(timer),
  }
}

function stalled({ base, stallMs }: UploadDeps): AppError {
  return new AppError('unavailable', `The registry ${base} has taken nothing for ${stallMs} ms`)
}

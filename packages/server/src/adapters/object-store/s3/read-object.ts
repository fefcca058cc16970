import { Readable } from 'node:stream'
import { GetObjectCommand, type GetObjectCommandOutput, type S3Client } from '@aws-sdk/client-s3'
import { type CallLimits, callS3 } from './call-s3.ts'
import { statusOf } from './explain-failure.ts'

export interface ReadInput {
  /** As the store knows it. */
  key: string
  /** `end` is inclusive. */
  range: { start: number; end?: number } | undefined
  /** Milliseconds that a reader who waits for bytes waits for the next. */
  silenceMs: number
}

/** How often a body that broke off is gone on with. */
const resumes = 3

/**
 * Opens an object, or a part of it; null when there is none. A connection that breaks off is replaced, and
 * the body goes on with the same object, or fails when that has been replaced.
 */
export async function readObject(
  { client, bucket }: { client: S3Client; bucket: string },
  { key, range, silenceMs }: ReadInput,
  limits: CallLimits,
): Promise<Readable | null> {
  const stopped = new AbortController()
  const stop = () => stopped.abort(limits.signal.reason)
  limits.signal.addEventListener('abort', stop, { once: true })
  const release = () => limits.signal.removeEventListener('abort', stop)
  const open = (from: number, etag: string | undefined) =>
    callS3(
      bucket,
      (options) =>
        client
          .send(
            new GetObjectCommand({
              Bucket: bucket,
              Key: key,
              Range: rangeHeader(from, range?.end),
              IfMatch: etag,
            }),
            options,
          )
          .catch(noneOrEmpty),
      { ...limits, signal: stopped.signal },
      false,
    )

  let current: GetObjectCommandOutput | 'none' | 'empty'
  try {
    current = await open(range?.start ?? 0, undefined)
  } catch (error) {
    release()
    throw error
  }
  if (typeof current === 'string') {
    release()
    return current === 'none' ? null : Readable.from([], { objectMode: false })
  }
  const { ETag, ContentLength = Infinity } = current
  let body = bodyOf(current)

  async function* bytes(): AsyncGenerator<Buffer> {
    let given = 0
    for (let left = resumes; ; left -= 1) {
      try {
        for await (const chunk of watched(body, silenceMs)) {
          given += chunk.length
          yield chunk
        }
        if (ContentLength === Infinity || given >= ContentLength) return
        throw new Error('the object broke off')
      } catch (error) {
        body.destroy()
        limits.signal.throwIfAborted()
        if (left === 0 || stopped.signal.aborted) throw error
      }
      const next = await open((range?.start ?? 0) + given, ETag)
      if (typeof next === 'string') throw new Error('the object is gone')
      body = bodyOf(next)
    }
  }

  const stream = Readable.from(bytes(), { objectMode: false })
  // A generator that was never begun has no end either.
  stream.once('close', () => {
    release()
    stopped.abort(new Error('the reader is gone'))
    body.destroy()
  })
  return stream
}

function rangeHeader(start: number, end: number | undefined): string | undefined {
  if (start === 0 && end === undefined) return undefined
  return `bytes=${start}-${end ?? ''}`
}

/** A range that begins behind the last byte is empty. */
function noneOrEmpty(error: unknown): 'none' | 'empty' {
  const name = error instanceof Error ? error.name : ''
  if (name === 'NoSuchKey') return 'none'
  if (name === 'InvalidRange' || statusOf(error) === 416) return 'empty'
  throw error
}

function bodyOf(output: GetObjectCommandOutput): Readable {
  const body = output.Body as Readable
  // What it fails of is told to whoever reads it, if somebody does.
  body.on('error', () => undefined)
  return body
}

/** The time in which nobody asks for more does not count: a slow reader is none of the store's. */
async function* watched(body: Readable, silenceMs: number): AsyncGenerator<Buffer> {
  const chunks = (body as AsyncIterable<Buffer>)[Symbol.asyncIterator]()
  try {
    for (;;) {
      const timer = setTimeout(
        () => body.destroy(new Error(`the object storage sent nothing for ${silenceMs} ms`)),
        silenceMs,
      )
      const next = await chunks.next().finally(() => clearTimeout(timer))
      if (next.done === true) return
      yield next.value
    }
  } finally {
    body.destroy()
  }
}

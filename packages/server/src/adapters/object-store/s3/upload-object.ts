import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompletedPart,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { type CallLimits, callS3 } from './call-s3.ts'

/** The store takes no more of them. */
const mostParts = 10_000
/** Milliseconds for what follows the last byte, or a failure, whatever time the upload had. */
const endMs = 30_000
/** Names the upload that made an object, so that one whose answer was lost is known again. */
const uploadTag = 'slipway-upload'

export interface UploadDeps {
  client: S3Client
  bucket: string
  /** Told of an upload in parts that could not be taken back: it is to be tried again. */
  abandoned(upload: { key: string; uploadId: string }): void
}

export interface UploadInput {
  /** As the store knows it. */
  key: string
  body: Readable
  contentType: string | undefined
  /** All but the last part have as many bytes; at most two of them are in memory. */
  partBytes: number
}

/**
 * Stores a body under a key: in one request where it is small, else in parts that become visible
 * together. When this rejects, none of its requests is under way and its parts are gone, or are
 * given to `abandoned`. Destroys the body.
 */
export async function uploadObject(
  deps: UploadDeps,
  { key, body, contentType, partBytes }: UploadInput,
  limits: CallLimits,
): Promise<void> {
  const { signal } = limits
  // Otherwise a body that has nothing to say is waited for.
  const stop = () => body.destroy(asError(signal.reason))
  signal.addEventListener('abort', stop, { once: true })
  try {
    signal.throwIfAborted()
    const parts = splitBody(body, partBytes)
    const first = await parts.next()
    if (first.done === true) throw new Error('a body has at least one part')
    const target = { Bucket: deps.bucket, Key: key, ContentType: contentType }
    if (first.value.isLast) {
      const { bytes: Body } = first.value
      await callS3(
        deps.bucket,
        (options) => deps.client.send(new PutObjectCommand({ ...target, Body }), options),
        limits,
      )
      return
    }
    await uploadParts(deps, { target, first: first.value.bytes, rest: parts }, limits)
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
    body.destroy()
  }
}

interface Target {
  Bucket: string
  Key: string
  ContentType: string | undefined
}

async function uploadParts(
  deps: UploadDeps,
  input: { target: Target; first: Buffer; rest: AsyncIterable<Part> },
  limits: CallLimits,
): Promise<void> {
  const { client, bucket } = deps
  const { ContentType, ...place } = input.target
  const id = randomUUID()
  const began = await callS3(
    bucket,
    (options) =>
      client.send(
        new CreateMultipartUploadCommand({ ...place, ContentType, Metadata: { [uploadTag]: id } }),
        options,
      ),
    limits,
  )
  const UploadId = began.UploadId ?? ''
  const upload = { ...place, UploadId }
  const done: CompletedPart[] = []
  let sending: Promise<void> = Promise.resolve()
  let completing = false
  try {
    const send = (bytes: Buffer) => {
      const PartNumber = done.length + 1
      if (PartNumber > mostParts) throw new Error('the object has more parts than the store takes')
      const part: CompletedPart = { PartNumber }
      done.push(part)
      sending = callS3(
        bucket,
        (options) =>
          client.send(new UploadPartCommand({ ...upload, PartNumber, Body: bytes }), options),
        limits,
      ).then(({ ETag }) => void (part.ETag = ETag ?? ''))
      // It is awaited below; meanwhile the next part is filled.
      sending.catch(() => undefined)
    }
    send(input.first)
    for await (const { bytes } of input.rest) {
      await sending
      send(bytes)
    }
    await sending
    completing = true
    await complete(deps, { upload, id, parts: done }, limits)
  } catch (error) {
    await sending.catch(() => undefined)
    if (completing && (await wasMadeBy(deps, { place, id }))) return
    await takeBack(deps, upload)
    throw error
  }
}

/** Once it is asked for it may happen: it is not given up with the time of the upload. */
async function complete(
  { client, bucket }: UploadDeps,
  input: {
    upload: { Bucket: string; Key: string; UploadId: string }
    id: string
    parts: CompletedPart[]
  },
  limits: CallLimits,
): Promise<void> {
  limits.signal.throwIfAborted()
  const { upload, parts } = input
  await callS3(
    bucket,
    (options) =>
      client.send(
        new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } }),
        options,
      ),
    { ...limits, signal: new AbortController().signal },
  )
}

/** Whether the object is that of this upload: the answer to its completion may be what was lost. */
async function wasMadeBy(
  { client, bucket }: UploadDeps,
  { place, id }: { place: { Bucket: string; Key: string }; id: string },
): Promise<boolean> {
  try {
    const { Metadata } = await callS3(
      bucket,
      (options) => client.send(new HeadObjectCommand(place), options),
      { attemptMs: endMs, patienceMs: 0, signal: new AbortController().signal },
    )
    return Metadata?.[uploadTag] === id
  } catch {
    return false
  }
}

async function takeBack(
  { client, bucket, abandoned }: UploadDeps,
  upload: { Bucket: string; Key: string; UploadId: string },
): Promise<void> {
  try {
    await abortUpload({ client, bucket }, { key: upload.Key, uploadId: upload.UploadId })
  } catch {
    abandoned({ key: upload.Key, uploadId: upload.UploadId })
  }
}

/** Removes what there is of an upload in parts. One that is not there is no error. */
export async function abortUpload(
  { client, bucket }: Pick<UploadDeps, 'client' | 'bucket'>,
  { key, uploadId }: { key: string; uploadId: string },
  signal: AbortSignal = new AbortController().signal,
): Promise<void> {
  const upload = { Bucket: bucket, Key: key, UploadId: uploadId }
  await callS3(
    bucket,
    (options) =>
      client.send(new AbortMultipartUploadCommand(upload), options).catch((error: unknown) => {
        if (!(error instanceof Error) || error.name !== 'NoSuchUpload') throw error
      }),
    { attemptMs: 5_000, patienceMs: 0, signal },
  )
}

interface Part {
  bytes: Buffer
  isLast: boolean
}

/** At least one part; only the last one, which may be empty where it is the first, is smaller. */
async function* splitBody(body: Readable, partBytes: number): AsyncGenerator<Part> {
  let chunks: Buffer[] = []
  let size = 0
  let isFirst = true
  const take = () => {
    const bytes = Buffer.concat(chunks, size)
    chunks = []
    size = 0
    isFirst = false
    return bytes
  }
  for await (const piece of body as AsyncIterable<Buffer | string>) {
    let chunk = typeof piece === 'string' ? Buffer.from(piece) : piece
    while (size + chunk.length > partBytes) {
      const head = chunk.subarray(0, partBytes - size)
      chunks.push(head)
      size += head.length
      chunk = chunk.subarray(head.length)
      yield { bytes: take(), isLast: false }
    }
    chunks.push(chunk)
    size += chunk.length
  }
  if (isFirst || size > 0) yield { bytes: take(), isLast: true }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('aborted')
}

import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat, unlink } from 'node:fs/promises'
import { Readable } from 'node:stream'
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { Logger } from 'pino'
import { checkObjectKey, checkObjectPrefix } from '../../../ports/object-key.ts'
import type { ObjectStore } from '../../../ports/object-store.ts'
import { type CallLimits, callS3 } from './call-s3.ts'
import { statusOf } from './explain-failure.ts'
import { listKeys } from './list-keys.ts'
import { readObject } from './read-object.ts'
import { openS3Client, type S3Place } from './s3-place.ts'
import { startUploadSweeper } from './sweep-uploads.ts'
import { createTurns } from './turns.ts'
import { uploadObject } from './upload-object.ts'

export interface S3ObjectStoreOptions {
  place: S3Place
  /** Whether links are given out; otherwise everything is read through the server. */
  links: boolean
  log: Pick<Logger, 'info' | 'warn'>
  /** Default: `defaultTimes`. */
  times?: Partial<S3Times>
}

/** Milliseconds. */
export interface S3Times {
  /** Of one request, but for the body of what is read. */
  attemptMs: number
  /** For which a put waits for a store that is away. */
  putPatienceMs: number
  /** The same of everything else. */
  patienceMs: number
  /** In which the next bytes of an object must come. */
  silenceMs: number
  /** From one try to take back what failed to the next. */
  sweepMs: number
}

const defaultTimes: S3Times = {
  attemptMs: 60_000,
  putPatienceMs: 120_000,
  patienceMs: 10_000,
  silenceMs: 30_000,
  sweepMs: 15_000,
}

const defaultTimeoutMs = 300_000
const checkLimits = { attemptMs: 5_000, patienceMs: 500 }
const mebibyte = 1024 * 1024
/** What a body of unknown length travels in: 160 GB at most. */
const partBytes = 16 * mebibyte
/** Leaves some of the 10,000 parts there may be. */
const wantedParts = 9_000
/** Files that are uploaded at once; of each, two parts are in memory. */
const filesAtOnce = 8
const tagsAtOnce = 8
/** Where it is tried whether the bucket can be written; no key is below it. */
const probeFolder = '~check/'

/**
 * Objects in a bucket of S3, or of what speaks its protocol (Ceph, MinIO), at `<prefix><key>`. What is put
 * becomes visible at once and whole; what is under way when the store goes away waits for it a while.
 * Nothing is asked of the bucket before it is needed.
 */
export async function createS3ObjectStore(options: S3ObjectStoreOptions): Promise<ObjectStore> {
  const { place, links, log } = options
  const { bucket, prefix } = place
  const times = { ...defaultTimes, ...options.times }
  const client = await openS3Client(place)
  const linking =
    place.publicEndpoint === null ? client : await openS3Client(place, place.publicEndpoint)
  const closing = new AbortController()
  const { signal } = closing
  const { attemptMs, patienceMs } = times
  const limits: CallLimits = { attemptMs, patienceMs, signal }
  const deps = { client, bucket }
  const sweeper = startUploadSweeper({ ...deps, log }, { prefix, limits, everyMs: times.sweepMs })
  const takeTurn = createTurns(filesAtOnce)
  const probe = `${prefix}${probeFolder}${randomUUID()}`

  const locate = (key: string) => {
    checkObjectKey(key)
    return prefix + key
  }

  const upload = async (
    input: { key: string; body: Readable; partBytes: number },
    { contentType, timeoutMs = defaultTimeoutMs }: { contentType?: string; timeoutMs?: number },
  ) => {
    const timeout = new AbortController()
    const timer = setTimeout(
      () => timeout.abort(new Error(`the upload took longer than ${timeoutMs} ms`)),
      // A timer cannot be longer.
      Math.min(timeoutMs, 2 ** 31 - 1),
    )
    try {
      await uploadObject(
        { ...deps, abandoned: (left) => sweeper.add(left) },
        { ...input, contentType },
        {
          attemptMs,
          patienceMs: times.putPatienceMs,
          signal: AbortSignal.any([timeout.signal, signal]),
        },
      )
    } finally {
      clearTimeout(timer)
    }
  }

  /** A 404 to a HEAD does not say what is missing. */
  const requireBucket = () =>
    callS3(
      bucket,
      (send) =>
        client.send(new HeadBucketCommand({ Bucket: bucket }), send).catch((error: unknown) => {
          if (error instanceof Error && statusOf(error) === 404) error.name = 'NoSuchBucket'
          throw error
        }),
      limits,
    )

  const head = async (key: string) => {
    const Key = locate(key)
    const found = await callS3(
      bucket,
      (send) =>
        client
          .send(new HeadObjectCommand({ Bucket: bucket, Key }), send)
          .catch((error: unknown) => {
            if (statusOf(error) === 404) return null
            throw error
          }),
      limits,
    )
    if (found !== null) {
      return { size: found.ContentLength ?? 0, modifiedAt: found.LastModified ?? new Date(0) }
    }
    await requireBucket()
    return null
  }

  return {
    name: 's3',

    async put(key, body, how = {}) {
      const stream = Buffer.isBuffer(body) ? Readable.from([body], { objectMode: false }) : body
      try {
        await upload({ key: locate(key), body: stream, partBytes }, how)
      } finally {
        stream.destroy()
      }
    },

    async putFile(key, path, how = {}) {
      const Key = locate(key)
      const free = await takeTurn(signal)
      try {
        const { size } = await stat(path)
        const enough = Math.ceil(size / wantedParts / mebibyte) * mebibyte
        const body = createReadStream(path, { highWaterMark: mebibyte })
        await upload({ key: Key, body, partBytes: Math.max(partBytes, enough) }, how)
        await unlink(path)
      } finally {
        free()
      }
    },

    async get(key, range) {
      const Key = locate(key)
      if (range?.end !== undefined && range.end < range.start) {
        return (await head(key)) === null ? null : Readable.from([], { objectMode: false })
      }
      return readObject(deps, { key: Key, range, silenceMs: times.silenceMs }, limits)
    },

    head,

    async delete(key) {
      const Key = locate(key)
      await callS3(
        bucket,
        (send) => client.send(new DeleteObjectCommand({ Bucket: bucket, Key }), send),
        limits,
      )
    },

    async deletePrefix(folder) {
      checkObjectPrefix(folder)
      for await (const keys of listKeys(deps, prefix + folder, limits)) {
        const Objects = keys.map((Key) => ({ Key }))
        const { Errors = [] } = await callS3(
          bucket,
          (send) =>
            client.send(
              new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }),
              send,
            ),
          limits,
        )
        const [first] = Errors
        if (first !== undefined) {
          throw new Error(`${Errors.length} objects could not be deleted: ${first.Code}`)
        }
      }
    },

    async presign(key, seconds, { contentType, fileName } = {}) {
      const Key = locate(key)
      if (!links) return null
      return getSignedUrl(
        linking,
        new GetObjectCommand({
          Bucket: bucket,
          Key,
          ResponseContentType: contentType,
          ResponseContentDisposition:
            fileName === undefined
              ? undefined
              : `inline; filename="${fileName.replaceAll(/[^\w.+-]/g, '_')}"`,
          ResponseCacheControl: 'private, no-store',
        }),
        {
          expiresIn: Math.max(1, Math.floor(seconds)),
          // By the clock of S3, as far as its answers have told how much ours is off.
          signingDate: new Date(Date.now() + client.config.systemClockOffset),
        },
      )
    },

    async tagPrefix(folder, { name, value }) {
      checkObjectPrefix(folder)
      const Tagging = { TagSet: [{ Key: name, Value: value }] }
      const tag = (Key: string) =>
        callS3(
          bucket,
          (send) =>
            client
              .send(new PutObjectTaggingCommand({ Bucket: bucket, Key, Tagging }), send)
              .catch((error: unknown) => {
                // Deleted meanwhile.
                if (!(error instanceof Error) || error.name !== 'NoSuchKey') throw error
              }),
          limits,
        )
      for await (const keys of listKeys(deps, prefix + folder, limits)) {
        for (let at = 0; at < keys.length; at += tagsAtOnce) {
          await Promise.all(keys.slice(at, at + tagsAtOnce).map(tag))
        }
      }
    },

    async check() {
      const there = { Bucket: bucket, Key: probe }
      const soon = { ...checkLimits, signal }
      await callS3(
        bucket,
        (send) => client.send(new PutObjectCommand({ ...there, Body: 'x' }), send),
        soon,
      )
      await callS3(bucket, (send) => client.send(new DeleteObjectCommand(there), send), soon)
    },

    async close() {
      closing.abort(new Error('the object store is closed'))
      await sweeper.close()
      client.destroy()
      linking.destroy()
    },
  }
}

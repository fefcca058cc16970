import type { S3Client } from '@aws-sdk/client-s3'
import type { Logger } from 'pino'
import type { CallLimits } from './call-s3.ts'
import { listUploads } from './list-keys.ts'
import { abortUpload } from './upload-object.ts'

/** No upload of ours takes as long: one that is older belongs to a server that died. */
const leftoverMs = 9 * 86_400_000
const lookMs = 3_600_000
/** Remembered at most; the rest is found by its age. */
const most = 10_000

/** Takes back uploads in parts that failed when the store did not answer, or whose server died. */
export interface UploadSweeper {
  /** To be taken back as soon as the store answers. */
  add(upload: { key: string; uploadId: string }): void
  /** Resolves when what is under way has stopped. */
  close(): Promise<void>
}

export function startUploadSweeper(
  deps: { client: S3Client; bucket: string; log: Pick<Logger, 'info' | 'warn'> },
  options: { prefix: string; limits: CallLimits; everyMs: number },
): UploadSweeper {
  const { signal } = options.limits
  const abandoned = new Map<string, { key: string; uploadId: string }>()
  let running: Promise<void> | null = null
  let nextLook = performance.now() + options.everyMs

  const takeBack = async (upload: { key: string; uploadId: string }) => {
    const { uploadId } = upload
    try {
      await abortUpload(deps, upload, signal)
    } catch (error) {
      // One that never goes is in the way of no other.
      if (abandoned.delete(uploadId)) abandoned.set(uploadId, upload)
      throw error
    }
    abandoned.delete(uploadId)
    deps.log.info({ key: upload.key }, 'took back an upload that was not completed')
  }

  const look = async () => {
    for await (const upload of listUploads(deps, options.prefix, options.limits)) {
      if (Date.now() - upload.initiated.getTime() > leftoverMs) await takeBack(upload)
    }
  }

  const sweep = async () => {
    for (const upload of abandoned.values()) await takeBack(upload)
    if (performance.now() < nextLook) return
    await look()
    nextLook = performance.now() + lookMs
  }

  const timer = setInterval(() => {
    if (running !== null || signal.aborted) return
    running = sweep()
      .catch((error: unknown) => {
        if (!signal.aborted) deps.log.warn({ err: error }, 'uploads could not be taken back yet')
      })
      .finally(() => (running = null))
  }, options.everyMs)
  timer.unref()

  return {
    add(upload) {
      if (abandoned.size < most) abandoned.set(upload.uploadId, upload)
    },
    async close() {
      clearInterval(timer)
      await running
    },
  }
}

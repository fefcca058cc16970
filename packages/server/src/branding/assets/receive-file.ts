import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { brandingLimits } from '@slipway/contract/vocabulary'
import { AppError } from '../../errors.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import type { Content } from './judge-content.ts'
import { sniffedBytes } from './sniff-bytes.ts'

/** A file that is in the object store, and in nothing that refers to it yet. */
export interface ReceivedFile {
  objectKey: string
  sizeBytes: number
  sha256: string
  content: Content
}

/**
 * Puts a stream into the object store, as it comes. Whoever asked for it deletes it again where it is
 * not wanted. Rejects with `payload_too_large` where it is more than `maxBytes`, and with
 * `invalid_request` where the stream breaks off; nothing is stored then.
 */
export async function receiveFile(
  { objects }: { objects: ObjectStore },
  input: { objectKey: string; body: AsyncIterable<Buffer>; maxBytes: number; name: string },
): Promise<ReceivedFile> {
  const { objectKey, body, maxBytes, name } = input
  const hash = createHash('sha256')
  let sizeBytes = 0
  let kept: Buffer[] | null = []
  let head = Buffer.alloc(0)

  async function* watched() {
    const chunks = body[Symbol.asyncIterator]()
    for (;;) {
      const next = await chunks.next().catch((error: unknown) => {
        throw error instanceof AppError
          ? error
          : new AppError('invalid_request', `The upload of ${name} broke off`)
      })
      if (next.done === true) return
      const chunk = next.value
      sizeBytes += chunk.length
      if (sizeBytes > maxBytes) {
        throw new AppError('payload_too_large', `${name} is larger than ${maxBytes} bytes`)
      }
      hash.update(chunk)
      if (head.length < sniffedBytes) {
        head = Buffer.concat([head, chunk.subarray(0, sniffedBytes - head.length)])
      }
      if (sizeBytes > brandingLimits.textAssetBytes) kept = null
      kept?.push(chunk)
      yield chunk
    }
  }

  await objects.put(objectKey, Readable.from(watched(), { objectMode: false }))
  const whole = kept === null ? null : Buffer.concat(kept)
  return { objectKey, sizeBytes, sha256: hash.digest('hex'), content: { head, whole } }
}

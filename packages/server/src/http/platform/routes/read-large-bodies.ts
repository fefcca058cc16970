import type { Readable } from 'node:stream'
import { AppError } from '../../../errors.ts'

export interface LargeBodyLimits {
  /** Bytes of one body; more is `payload_too_large`. */
  mostBytes: number
  /** Bytes of a body up to which it is a small one. */
  smallBytes: number
  /** Larger ones that are read at once; one more is `unavailable`. */
  largeAtOnce: number
}

/**
 * Reads whole bodies of which anybody may send one: small ones always, large ones only a few at once,
 * so that hanging ones take no more memory than that. What to do with a body should be decided at once.
 */
export function createLargeBodyReader(
  limits: LargeBodyLimits,
): (body: Readable) => Promise<Buffer> {
  const { mostBytes, smallBytes, largeAtOnce } = limits
  let large = 0

  return async (body) => {
    const chunks: Buffer[] = []
    let size = 0
    let isLarge = false
    try {
      // Whoever is refused gets to hear why: what else they send is thrown away as it comes.
      const bytes: AsyncIterable<Buffer> = body.iterator({ destroyOnReturn: false })
      for await (const chunk of bytes) {
        size += chunk.length
        if (size > mostBytes) {
          const megabytes = mostBytes / 1024 / 1024
          throw new AppError('payload_too_large', `The body is larger than ${megabytes} MB`)
        }
        if (size > smallBytes && !isLarge) {
          if (large >= largeAtOnce) {
            throw new AppError('unavailable', 'Too many large deliveries come at once')
          }
          large += 1
          isLarge = true
        }
        chunks.push(chunk)
      }
      return Buffer.concat(chunks)
    } catch (error) {
      body.resume()
      throw error
    } finally {
      if (isLarge) large -= 1
    }
  }
}

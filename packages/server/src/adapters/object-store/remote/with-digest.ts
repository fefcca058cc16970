import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'

/**
 * The bytes of `body`, and behind them their SHA-256. When the body fails, `failed` is aborted with its error,
 * which ends the request: the receiver must not take for the end what is none.
 */
export function withDigest(body: Readable, failed: AbortController): Readable {
  async function* digested(): AsyncGenerator<Buffer> {
    const hash = createHash('sha256')
    try {
      for await (const chunk of body as AsyncIterable<Buffer | string>) {
        const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
        hash.update(bytes)
        yield bytes
      }
    } catch (error) {
      failed.abort(error)
      throw error
    }
    yield hash.digest()
  }
  return Readable.from(digested(), { objectMode: false })
}

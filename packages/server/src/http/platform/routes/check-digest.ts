import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { digestBytes } from '@slipway/contract/worker-files'
import { AppError } from '../../../errors.ts'

/** Milliseconds without a byte after which a body is given up. */
const idleMs = 120_000

/**
 * What stands before the digest at the end of a body, as a stream that fails where the digest is not that of
 * the bytes before it, where there are more than `mostBytes`, where nothing comes any more, or when
 * `signal` aborts. So a body that was cut off or changed never looks like a whole one.
 */
export function checkDigest(
  body: Readable,
  options: { mostBytes: number; signal: AbortSignal },
): Readable {
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(), idleMs)
  const signal = AbortSignal.any([options.signal, late.signal])
  const giveUp = () => body.destroy(new AppError('unavailable', 'The body did not come to its end'))
  signal.addEventListener('abort', giveUp, { once: true })

  async function* checked(): AsyncGenerator<Buffer> {
    const hash = createHash('sha256')
    let held: Buffer = Buffer.alloc(0)
    let size = 0
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        timer.refresh()
        const open = held.length === 0 ? chunk : Buffer.concat([held, chunk])
        const ready = open.subarray(0, Math.max(0, open.length - digestBytes))
        held = open.subarray(ready.length)
        size += ready.length
        if (size > options.mostBytes) {
          throw new AppError(
            'payload_too_large',
            `The object is larger than ${options.mostBytes} bytes`,
          )
        }
        hash.update(ready)
        if (ready.length > 0) yield ready
      }
      if (held.length < digestBytes || !hash.digest().equals(held)) {
        throw new AppError(
          'invalid_request',
          'The digest at the end of the body is not that of the body',
        )
      }
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', giveUp)
    }
  }
  return Readable.from(checked(), { objectMode: false })
}

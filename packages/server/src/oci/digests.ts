import { createHash } from 'node:crypto'
import { Transform } from 'node:stream'
import { AppError } from '../errors.ts'

/** `sha256:<hex>` of the bytes. */
export function digestOf(content: Buffer | string): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}

/** What went through a stream; complete when the stream has ended. */
export interface Measured {
  digest: string
  /** Bytes. */
  size: number
}

/** Lets everything through and knows its digest and size at the end. */
export function measuring(): { stream: Transform; result(): Measured } {
  const hash = createHash('sha256')
  let size = 0
  let done: Measured | null = null
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, pass) {
      hash.update(chunk)
      size += chunk.length
      pass(null, chunk)
    },
    flush(end) {
      done = { digest: `sha256:${hash.digest('hex')}`, size }
      end()
    },
  })
  return {
    stream,
    result() {
      if (done === null) throw new Error('the stream has not ended')
      return done
    },
  }
}

/**
 * Lets everything through and fails, before its end, where the content is not what was promised:
 * AppError `invalid_request`. One byte too many fails at once.
 */
export function verifying(expected: Measured): Transform {
  const hash = createHash('sha256')
  let size = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, pass) {
      size += chunk.length
      if (size > expected.size) return pass(wrongSize(expected, `more than ${expected.size}`))
      hash.update(chunk)
      return pass(null, chunk)
    },
    flush(end) {
      if (size < expected.size) return end(wrongSize(expected, `only ${size}`))
      const digest = `sha256:${hash.digest('hex')}`
      if (digest === expected.digest) return end()
      return end(
        new AppError('invalid_request', `The content of ${expected.digest} is that of ${digest}`),
      )
    },
  })
}

function wrongSize({ digest, size }: Measured, found: string): AppError {
  return new AppError('invalid_request', `${digest} should have ${size} bytes and has ${found}`)
}

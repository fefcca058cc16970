import type { ErrorCode, PlatformError } from '@slipway/contract/errors'
import { errorCodes } from '@slipway/contract/vocabulary'
import { AppError } from '../../errors.ts'
import type { WorkerApiAnswer } from '../../ports/worker-api.ts'
import { NoAnswer } from './no-answer.ts'

/** Bytes of an answer that is read whole. */
const mostBytes = 64 * 1024 * 1024

/** The whole body of an answer as text. */
export async function readText({ body }: Pick<WorkerApiAnswer, 'body'>): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > mostBytes) {
      body.destroy()
      throw new Error(`an answer of more than ${mostBytes} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** What a server answered with a status of success; undefined for nothing. */
export function readValue(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new NoAnswer('the answer is not JSON', { mayHaveHappened: true })
  }
}

/**
 * What any other answer is to whoever asked: the `AppError` that the server has thrown, or a `NoAnswer` where
 * it says of itself, or somebody on the way says, that it cannot answer.
 */
export function readRefusal(status: number, text: string): AppError | NoAnswer {
  const error = errorOf(text)
  if (error === null) {
    return new NoAnswer(`status ${status}, and not from a Slipway server`, {
      // What could not be handed on was not done.
      mayHaveHappened: status !== 503,
    })
  }
  return toError(error)
}

/** The same of an error that a server tells in a body. */
export function toError({ code, message, details }: PlatformError['error']): AppError | NoAnswer {
  if (!isKnown(code) || code === 'internal_error') {
    return new NoAnswer(`the server: ${message}`, { mayHaveHappened: true })
  }
  if (code !== 'unavailable') return new AppError(code, message, details)
  const { answered, ...rest } = details ?? {}
  if (answered === true) {
    return new AppError(code, message, Object.keys(rest).length === 0 ? undefined : rest)
  }
  return new NoAnswer(`the server: ${message}`, { mayHaveHappened: false })
}

function errorOf(text: string): PlatformError['error'] | null {
  try {
    const { error } = JSON.parse(text) as Partial<PlatformError>
    return typeof error?.code === 'string' && typeof error.message === 'string' ? error : null
  } catch {
    return null
  }
}

function isKnown(code: string): code is ErrorCode {
  return Object.hasOwn(errorCodes, code)
}

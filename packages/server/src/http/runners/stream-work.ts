import { PassThrough } from 'node:stream'
import type { HookMessage } from '@slipway/contract/runner-hooks'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { HookWork } from '../../runners/index.ts'
import { toErrorAnswer } from '../platform/error-envelope.ts'
import { checkToken } from '../platform/routes/check-token.ts'

/** Milliseconds between two signs of life. */
const pingMs = 10_000
/** How often an open stream's token is asked after. */
const validityMs = 60_000
/** Bytes that wait for a reader before the work is held back. */
const bufferBytes = 256 * 1024
/** Milliseconds that a reader may take nothing. */
const drainMs = 60_000

/**
 * Does work and tells of it as it goes on, one JSON object a line. The work is given up when the reader is
 * gone or takes nothing, when its token ends, or when the server stops; the answer then breaks off
 * without `done` or `failed`.
 */
export function streamWork<Result>(
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  input: { work: HookWork<Result>; release: () => void; signal: AbortSignal },
): FastifyReply {
  const body = new PassThrough({ highWaterMark: bufferBytes })
  const gone = new AbortController()
  const giveUp = (why: string) => gone.abort(new Error(why))
  reply.raw.once('close', () => giveUp('the reader is gone'))
  // It may have gone while it was found out whether the work is allowed.
  if (reply.raw.destroyed) giveUp('the reader is gone')
  body.once('error', () => giveUp('the answer cannot be written'))
  const stopChecking = checkToken(request.stillValid, validityMs, () => giveUp('the token ended'))
  const signal = AbortSignal.any([gone.signal, input.signal])
  const send = (message: HookMessage) => {
    if (body.destroyed || body.write(`${JSON.stringify(message)}\n`)) return undefined
    return untilDrained(body, giveUp)
  }
  const pings = setInterval(() => {
    if (body.writableNeedDrain) return
    void send({ type: 'ping' })
  }, pingMs)
  const listener = {
    say: (text: string) => send({ type: 'note', text }),
    write: (chunk: Buffer) => send({ type: 'output', data: chunk.toString('base64') }),
  }
  const run = async () => {
    try {
      const result = await input.work(listener, signal)
      if (signal.aborted) body.destroy()
      else {
        void send({ type: 'done', result })
        body.end()
      }
    } catch (error) {
      if (signal.aborted) {
        body.destroy()
        return
      }
      const { body: told, unforeseen } = toErrorAnswer(error, request.id)
      if (unforeseen) request.log.error({ err: error }, 'the work of a hook failed')
      const { code, message } = told.error
      void send({
        type: 'failed',
        error: unforeseen ? `${message} (${request.id})` : message,
        code,
      })
      body.end()
    } finally {
      clearInterval(pings)
      stopChecking()
      input.release()
    }
  }
  void run()
  return reply
    .type('application/x-ndjson')
    .header('cache-control', 'no-store, no-transform')
    .header('x-accel-buffering', 'no')
    .send(body)
}

function untilDrained(body: PassThrough, giveUp: (why: string) => void): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      clearTimeout(timer)
      body.off('drain', settle)
      body.off('close', settle)
      resolve()
    }
    const timer = setTimeout(() => {
      giveUp('the reader takes nothing')
      settle()
    }, drainMs)
    body.once('drain', settle)
    body.once('close', settle)
  })
}

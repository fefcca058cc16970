import type { LongWorkMessage } from '@slipway/contract/worker-runs'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { PassThrough } from 'node:stream'
import { toErrorAnswer } from '../error-envelope.ts'
import { answeredByWork } from './answered-by-work.ts'
import { checkToken } from './check-token.ts'

/** Milliseconds between two signs of life. */
const pingMs = 10_000
/** How often an open stream's token is asked after. */
const validityMs = 60_000

/**
 * Does work that takes long, and says meanwhile that it goes on: nobody on the way takes the connection for
 * dead. It is given up when whoever asked is gone, their token ends or the server stops; the answer then
 * breaks off without `done` or `failed`.
 */
export function streamLongWork(
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  input: { work: (signal: AbortSignal) => Promise<unknown>; signal: AbortSignal },
): FastifyReply {
  const body = new PassThrough()
  const gone = new AbortController()
  const giveUp = (why: string) => gone.abort(new Error(why))
  reply.raw.once('close', () => giveUp('whoever asked is gone'))
  // They may have gone while it was found out whether the work is theirs.
  if (reply.raw.destroyed) giveUp('whoever asked is gone')
  body.once('error', () => giveUp('the answer cannot be written'))
  const stopChecking = checkToken(request.stillValid, validityMs, () => giveUp('the token ended'))
  const signal = AbortSignal.any([gone.signal, input.signal])
  const send = (message: LongWorkMessage) => {
    if (!body.destroyed) body.write(`${JSON.stringify(message)}\n`)
  }
  const pings = setInterval(() => send({ type: 'ping' }), pingMs)
  const run = async () => {
    try {
      signal.throwIfAborted()
      const result = await answeredByWork(input.work(signal))
      send({ type: 'done', result })
      body.end()
    } catch (error) {
      if (signal.aborted) {
        body.destroy()
        return
      }
      const answer = toErrorAnswer(error, request.id)
      if (answer.unforeseen) request.log.error({ err: error }, 'the work of a worker failed')
      send({ type: 'failed', error: answer.body.error })
      body.end()
    } finally {
      clearInterval(pings)
      stopChecking()
    }
  }
  void run()
  return reply
    .type('application/x-ndjson')
    .header('cache-control', 'no-store, no-transform')
    .header('x-accel-buffering', 'no')
    .send(body)
}

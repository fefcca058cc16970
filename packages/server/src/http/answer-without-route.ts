import type { FastifyReply, FastifyRequest } from 'fastify'
import { toBuildError } from './builds/error-envelope.ts'
import type { RateLimiter } from './rate-limits.ts'
import { toErrorAnswer } from './platform/error-envelope.ts'
import { toRunnerError } from './runners/error-envelope.ts'
import { isOfRunnerFamily } from './runners/plugin.ts'
import { sendError, type ToAnswer } from './send-error.ts'
import { toStatusError } from './status/error-envelope.ts'

/** The families with error bodies of their own, the longest prefix first. */
const envelopes: readonly (readonly [prefix: string, toAnswer: ToAnswer])[] = [
  ['/api/v2/pipelines/', toStatusError],
  ['/api/', toBuildError],
]

/**
 * Answers what failed before a route was found, a path that cannot be decoded, as the family it was meant
 * for. `limiters` count it where the answers of a family say what is left of a limit; null: not yet.
 */
export function createAnswerWithoutRoute(
  version: string,
  limiters: () => { builds: RateLimiter; runners: RateLimiter } | null,
): (error: unknown, request: FastifyRequest, reply: FastifyReply) => void {
  const toAnswerRunners: ToAnswer = (error, requestId) =>
    toRunnerError(error, requestId, { version, now: new Date() })
  return (error, request, reply) => {
    const { url } = request
    const isOfRunners = isOfRunnerFamily(url)
    const [, toAnswer] = envelopes.find(([prefix]) => url.startsWith(prefix)) ?? []
    const ofFamily = (isOfRunners ? toAnswerRunners : toAnswer) ?? toErrorAnswer
    const limiter = limiters()?.[isOfRunners ? 'runners' : 'builds']
    const counted = url.startsWith('/api/') ? limiter?.countAnonymous(request, reply) : null
    Promise.resolve(counted).then(
      () => sendError(error, request, reply, ofFamily),
      (refused: unknown) => sendError(refused, request, reply, ofFamily),
    )
  }
}

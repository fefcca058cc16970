import type { FastifyReply, FastifyRequest } from 'fastify'
import { toBuildError } from './builds/error-envelope.ts'
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

/** Answers what failed before a route was found, a path that cannot be decoded, as the family it was meant for. */
export function createAnswerWithoutRoute(
  version: string,
): (error: unknown, request: FastifyRequest, reply: FastifyReply) => void {
  const toAnswerRunners: ToAnswer = (error, requestId) =>
    toRunnerError(error, requestId, { version, now: new Date() })
  return (error, request, reply) => {
    const { url } = request
    const [, toAnswer] = envelopes.find(([prefix]) => url.startsWith(prefix)) ?? []
    const ofFamily = isOfRunnerFamily(url) ? toAnswerRunners : toAnswer
    sendError(error, request, reply, ofFamily ?? toErrorAnswer)
  }
}

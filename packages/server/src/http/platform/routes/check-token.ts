import type { FastifyRequest } from 'fastify'

/** Checks of a token that may fail to get an answer before the stream ends. */
const unansweredChecks = 3

/** Calls `invalid` when the token is no longer good, or when nobody can tell for too long. */
export function checkToken(
  stillValid: FastifyRequest['stillValid'],
  everyMs: number,
  invalid: () => void,
): () => void {
  if (stillValid === undefined) return () => {}
  let unanswered = 0
  const timer = setInterval(() => {
    stillValid().then(
      (valid) => {
        unanswered = 0
        if (!valid) invalid()
      },
      () => {
        unanswered += 1
        if (unanswered >= unansweredChecks) invalid()
      },
    )
  }, everyMs)
  timer.unref()
  return () => clearInterval(timer)
}

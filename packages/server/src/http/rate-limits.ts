import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isMachine } from '../access/index.ts'
import { AppError } from '../errors.ts'
import { knownPrincipal } from './principal.ts'

/** Requests within a window of so many milliseconds. */
export interface RateLimits {
  windowMs: number
  /** Of one principal. */
  perPrincipal: number
  /** Of one session of a browser, which asks for much at once. Default 3,000. */
  perSession?: number
  /** Of one address (an IPv6 /64) that signs in. Default 300. */
  signInsPerAddress?: number
  /** Of one address (an IPv6 /64) that could not say who it is. */
  failedPerAddress: number
}

/** API & Operations Reference, "API Rate Limits". */
export const defaultRateLimits: RateLimits = {
  windowMs: 60_000,
  perPrincipal: 1_000,
  failedPerAddress: 1_000,
}

export interface RateLimiter {
  /** Counts a request of a known principal; throws `limit_exceeded` when it is one too many. */
  countRequest(request: FastifyRequest, reply: FastifyReply): Promise<void>
  /** Counts a request of an address that did not say who it is, and need not; throws likewise. */
  countAnonymous(request: FastifyRequest, reply: FastifyReply): Promise<void>
  /** Counts a request of an address that is about to say who it is; throws likewise. */
  countSignIn(request: FastifyRequest, reply: FastifyReply): Promise<void>
  /** Counts a failed authentication of an address; throws likewise. */
  countFailure(request: FastifyRequest, reply: FastifyReply): Promise<void>
  /** Counts a failed change of an address, and tells whether it is one of the few to be written down. */
  isWorthAudit(request: FastifyRequest): Promise<boolean>
}

/** Failed authentications of one address and window that the audit log takes: anybody can make more. */
const auditedFailures = 5

/** Needs @fastify/rate-limit, which counts; what an answer says of it is ours. */
export function createRateLimiter(app: FastifyInstance, limits: RateLimits): RateLimiter {
  const requests = app.createRateLimit({
    max: limits.perPrincipal,
    timeWindow: limits.windowMs,
    keyGenerator: (request) => knownPrincipal(request)?.id ?? '',
  })
  const unknown = app.createRateLimit({
    max: limits.perPrincipal,
    timeWindow: limits.windowMs,
  })
  const failures = app.createRateLimit({
    max: limits.failedPerAddress,
    timeWindow: limits.windowMs,
  })
  const ofSessions = app.createRateLimit({
    max: limits.perSession ?? 3_000,
    timeWindow: limits.windowMs,
    keyGenerator: (request) => knownPrincipal(request)?.session ?? '',
  })
  const signIns = app.createRateLimit({
    max: limits.signInsPerAddress ?? 300,
    timeWindow: limits.windowMs,
  })
  const audited = app.createRateLimit({ max: auditedFailures, timeWindow: limits.windowMs })
  return {
    async isWorthAudit(request) {
      const count = await audited(request)
      return count.isAllowed || !count.isExceeded
    },
    async countRequest(request, reply) {
      const principal = knownPrincipal(request)
      if (principal?.session !== undefined) return answer(reply, await ofSessions(request))
      if (principal !== null && isMachine(principal)) return
      answer(reply, await requests(request))
    },
    async countSignIn(request, reply) {
      answer(reply, await signIns(request))
    },
    async countAnonymous(request, reply) {
      answer(reply, await unknown(request))
    },
    async countFailure(request, reply) {
      answer(reply, await failures(request))
    },
  }
}

/**
 * The same of a family that counts by address, whoever asks, and whether they can say who they are. Machines
 * are not counted, and sessions of browsers as everywhere else.
 */
export function createAddressLimiter(
  app: FastifyInstance,
  limits: { max: number; windowMs: number },
  general: Pick<RateLimiter, 'isWorthAudit' | 'countRequest' | 'countSignIn'>,
): RateLimiter {
  const { isWorthAudit, countSignIn } = general
  const requests = app.createRateLimit({ max: limits.max, timeWindow: limits.windowMs })
  const count: RateLimiter['countRequest'] = async (request, reply) => {
    const principal = knownPrincipal(request)
    if (principal?.session !== undefined) return general.countRequest(request, reply)
    if (principal !== null && isMachine(principal)) return
    answer(reply, await requests(request))
  }
  const countAnonymous: typeof count = async (request, reply) =>
    answer(reply, await requests(request))
  return { isWorthAudit, countSignIn, countRequest: count, countAnonymous, countFailure: count }
}

type Count = Awaited<ReturnType<ReturnType<FastifyInstance['createRateLimit']>>>

function answer(reply: FastifyReply, count: Count): void {
  if (count.isAllowed) return
  // In epoch seconds: the documents of the other families say so.
  const reset = Math.ceil((Date.now() + count.ttl) / 1000)
  void reply
    .header('x-ratelimit-limit', count.max)
    .header('x-ratelimit-remaining', count.remaining)
    .header('x-ratelimit-reset', reset)
  if (!count.isExceeded) return
  void reply.header('retry-after', count.ttlInSeconds)
  throw new AppError(
    'limit_exceeded',
    `More than ${count.max} requests in ${count.timeWindow / 1000} s`,
    {
      limit: count.max,
      retry_after_seconds: count.ttlInSeconds,
    },
  )
}

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Kysely } from 'kysely'
import { anonymous, isTokenValid, requirePermission, spendTicket } from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { Identity, Principal } from '../ports/identity.ts'
import { linkHolder, otherServer, setPrincipal } from './principal.ts'
import type { RateLimiter } from './rate-limits.ts'
import { pathOf } from './redact-url.ts'
import {
  type RouteGuard,
  isForServers,
  permissionOf,
  takesAnonymous,
  takesPasswords,
  takesSignedLinks,
} from './route-permissions.ts'
import { type CookieDeps, requireOwnPage, sessionSecretOf } from './session-cookie.ts'

export interface AuthenticateDeps {
  db: Kysely<Tables>
  identity: Identity
  /** Whether this path, with the `expires` and `signature` of this query, is a link of ours. */
  verifySignedLink: (link: SignedLink) => boolean
  rateLimiter: RateLimiter
  /** Whether another server of the database has asked this. Default: none has. */
  verifyServer?: SignedRequestCheck
  /** Whether routes that can be are open to those without a credential. Default: no. */
  anonymousStatus?: boolean
  /** Default: no cookie is known. */
  cookies?: CookieDeps
}

/** Judges the `Authorization` of a request; `target` is the path with its query, as they were sent. */
export type SignedRequestCheck = (request: {
  authorization: string
  method: string
  target: string
}) => boolean

type OnRequest = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

/**
 * The hook that lets a request through to a route, or not. Null where everybody may pass. `takesCookies`:
 * whether a browser's session stands for a token there.
 */
export function createGate(
  deps: AuthenticateDeps,
  guard: RouteGuard,
  takesCookies = true,
): OnRequest | null {
  if (guard === 'public') return null
  if (isForServers(guard)) return createServerGate(deps)
  const { rateLimiter } = deps
  if (guard === 'sign-in') return (request, reply) => rateLimiter.countSignIn(request, reply)
  const cookies = takesCookies ? deps.cookies : undefined
  const permission = permissionOf(guard)
  const linksPass = takesSignedLinks(guard)
  const isBasic = takesPasswords(guard)
  const isOpen = deps.anonymousStatus === true && takesAnonymous(guard)
  return async (request, reply) => {
    const link = linksPass ? signedLinkOf(request) : null
    if (link !== null && deps.verifySignedLink(link)) {
      setPrincipal(request, linkHolder)
      request.stillValid = async () => deps.verifySignedLink(link)
      return
    }
    const credential = isBasic
      ? takePassword(request)
      : (takeCredential(request) ?? takeSession(request, cookies))
    if (isOpen && credential === null && request.headers.authorization === undefined) {
      setPrincipal(request, anonymous)
      await rateLimiter.countAnonymous(request, reply)
      return
    }
    const principal = credential === null ? null : await identify(deps, request, credential)
    if (principal === null && isOpen && credential?.kind === 'session') {
      setPrincipal(request, anonymous)
      await rateLimiter.countAnonymous(request, reply)
      return
    }
    if (principal === null) {
      await rateLimiter.countFailure(request, reply)
      void reply.header('www-authenticate', isBasic ? basicChallenge : 'Bearer')
      throw new AppError(
        'authentication_failed',
        credential === null
          ? `This needs ${isBasic ? 'a token as password' : 'a bearer token'}`
          : `This ${credential.kind} is unknown, expired or no longer valid`,
      )
    }
    setPrincipal(request, principal)
    await rateLimiter.countRequest(request, reply)
    if (cookies !== undefined && credential?.kind === 'session') {
      requireOwnPage(request, cookies, credential.secret)
    }
    if (permission !== null) requirePermission(principal, permission)
  }
}

/** What a request without a token offers instead; its query as it came, before a schema makes numbers of it. */
function signedLinkOf({ headers, query, url }: FastifyRequest): SignedLink | null {
  const offered = query as Record<string, unknown>
  if (headers.authorization !== undefined || offered['signature'] === undefined) return null
  return { path: pathOf(url), query: { ...offered } }
}

/** Only what another server of the database has signed passes. */
function createServerGate({ verifyServer, rateLimiter }: AuthenticateDeps): OnRequest {
  return async (request, reply) => {
    const { method, originalUrl: target, headers } = request
    const { authorization = '' } = headers
    if (verifyServer?.({ authorization, method, target }) !== true) {
      await rateLimiter.countFailure(request, reply)
      throw new AppError('authentication_failed', 'Only servers of this database may ask this')
    }
    setPrincipal(request, otherServer)
  }
}

interface SignedLink {
  path: string
  query: Readonly<Record<string, unknown>>
}

interface Credential {
  kind: 'token' | 'ticket' | 'session'
  secret: string
}

/** RFC 7617; every part that asks for passwords takes the same tokens, so the realm is one. */
const basicChallenge = 'Basic realm="Slipway", charset="UTF-8"'

/** The password of any user, or a bearer token; never anything of the query. */
function takePassword({ headers }: FastifyRequest): Credential | null {
  const { authorization = '' } = headers
  const [, scheme, given = ''] = /^(Basic|Bearer) +(\S+) *$/i.exec(authorization) ?? []
  if (scheme?.toLowerCase() === 'bearer') return { kind: 'token', secret: given }
  const pair = Buffer.from(given, 'base64').toString()
  const secret = pair.includes(':') ? pair.slice(pair.indexOf(':') + 1) : ''
  return secret === '' ? null : { kind: 'token', secret }
}

/**
 * The header, else the ticket of a request that only reads: what changes something needs the
 * header, which no foreign page can make a browser send. The ticket is taken out of the query,
 * where schemas do not know it.
 */
function takeCredential(request: FastifyRequest): Credential | null {
  const query = request.query as Record<string, unknown>
  const ticket = query['ticket']
  if (ticket !== undefined) delete query['ticket']
  const { authorization } = request.headers
  if (authorization !== undefined) {
    const secret = /^Bearer +(\S+) *$/i.exec(authorization)?.[1]
    return secret === undefined ? null : { kind: 'token', secret }
  }
  return request.method === 'GET' && typeof ticket === 'string' && ticket !== ''
    ? { kind: 'ticket', secret: ticket }
    : null
}

/** The session of a browser that brought nothing else. */
function takeSession(request: FastifyRequest, cookies: CookieDeps | undefined): Credential | null {
  if (cookies === undefined || request.headers.authorization !== undefined) return null
  const secret = sessionSecretOf(request, cookies)
  return secret === null ? null : { kind: 'session', secret }
}

async function identify(
  deps: AuthenticateDeps,
  request: FastifyRequest,
  { kind, secret }: Credential,
): Promise<Principal | null> {
  try {
    if (kind === 'token') {
      const { identity } = deps
      request.stillValid = async () => (await identity.authenticate(secret)) !== null
      return await identity.authenticate(secret)
    }
    if (kind === 'session') {
      const sessions = deps.cookies?.sessions
      request.stillValid = async () =>
        (await sessions?.authenticate(secret, { passive: true })) != null
      return (await sessions?.authenticate(secret)) ?? null
    }
    const principal = await spendTicket(deps, { ticket: secret })
    if (principal !== null) {
      request.stillValid = () => isTokenValid(deps, { principal })
    }
    return principal
  } catch (error) {
    request.log.error({ err: error, request_id: request.id }, 'A token could not be checked')
    throw new AppError('unavailable', 'Whose token this is cannot be told at the moment')
  }
}

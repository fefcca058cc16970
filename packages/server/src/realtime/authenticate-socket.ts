import type { IncomingMessage } from 'node:http'
import type { Kysely } from 'kysely'
import {
  allows,
  anonymous,
  isOwnOrigin,
  isTokenValid,
  type Permission,
  spendTicket,
} from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import type { Identity, Principal } from '../ports/identity.ts'
import { isSecure, readCookie, type Sessions } from '../sign-in/index.ts'

export interface AuthenticateSocketDeps {
  db: Kysely<Tables>
  identity: Identity
  /** Whether those without a credential may read. */
  anonymousStatus: boolean
  /** What makes sessions of cookies. Default: no cookie is known. */
  sessions?: Sessions
  /** Whose pages may connect, besides those of the address that was asked; null: nobody's. */
  publicUrl: string | null
}

/** Who is at a socket, and how it is found out whether they still may be. */
export interface Admission {
  principal: Principal
  /** The same for all sockets of one credential, so that it is checked once for all. */
  credential: string
  /** Whether the credential is still good, with the permission; rejects when that cannot be told. */
  stillValid(): Promise<boolean>
}

export type Refusal = { status: 401 | 403; details: string }

/** The protocol that clients offer which bring their token in another one. */
const ownProtocol = 'slipway'
/** In front of the token, in the name of a protocol that is offered and never chosen. */
const tokenProtocol = 'slipway.bearer.'

/** Which of the offered protocols is spoken: never one that holds a token, so that no answer does. */
export function chooseProtocol(offered: ReadonlySet<string>): string | false {
  return offered.has(ownProtocol) ? ownProtocol : false
}

/**
 * Who asks for a socket: by the header, else by a protocol `slipway.bearer.<token>` that is offered beside
 * `slipway`, as pages must that have a token and no way to a header, else by `?ticket=`, else by the session
 * of a browser that is at a page of ours, else nobody in particular where that is allowed. Rejects when it cannot be told whose the credential is.
 */
export async function authenticateSocket(
  deps: AuthenticateSocketDeps,
  { headers, url = '' }: Pick<IncomingMessage, 'headers' | 'url'>,
  permission: Permission,
): Promise<Admission | Refusal> {
  const { authorization } = headers
  const ticket = new URLSearchParams(url.split('?', 2)[1] ?? '').get('ticket') ?? ''
  if (authorization !== undefined) {
    const token = /^Bearer +(\S+) *$/i.exec(authorization)?.[1]
    const admission = token === undefined ? null : await byToken(deps, token, permission)
    return judge(admission, 'token', permission)
  }
  const offered = offeredToken(headers['sec-websocket-protocol'])
  if (offered !== null) {
    return judge(await byToken(deps, offered, permission), 'token', permission)
  }
  if (ticket !== '') return judge(await byTicket(deps, ticket), 'ticket', permission)
  const secret = sessionSecretOf(deps, headers)
  if (secret !== null && deps.sessions !== undefined) {
    const admission = await bySession(deps.sessions, secret, permission)
    if (admission !== null || !deps.anonymousStatus) return judge(admission, 'session', permission)
  }
  if (!deps.anonymousStatus) return { status: 401, details: 'This needs a bearer token' }
  return { principal: anonymous, credential: 'none', stillValid: async () => true }
}

function offeredToken(protocols = ''): string | null {
  const names = protocols.split(',').map((name) => name.trim())
  const offered = names.find((name) => name.startsWith(tokenProtocol))
  return offered?.slice(tokenProtocol.length) ?? null
}

function judge(
  admission: Admission | null,
  kind: string,
  permission: Permission,
): Admission | Refusal {
  if (admission === null) {
    return { status: 401, details: `This ${kind} is unknown, expired or no longer valid` }
  }
  if (allows(admission.principal, permission)) return admission
  return { status: 403, details: `This needs the permission ${permission}` }
}

async function byToken(
  { identity }: AuthenticateSocketDeps,
  token: string,
  permission: Permission,
): Promise<Admission | null> {
  const principal = await identity.authenticate(token)
  if (principal === null) return null
  return {
    principal,
    credential: `token ${token}`,
    async stillValid() {
      const now = await identity.authenticate(token)
      return now !== null && allows(now, permission)
    },
  }
}

async function byTicket(deps: AuthenticateSocketDeps, ticket: string): Promise<Admission | null> {
  const principal = await spendTicket(deps, { ticket })
  if (principal === null) return null
  return {
    principal,
    credential: `principal ${principal.id} ${principal.session ?? ''} ${principal.expiresAt ?? ''}`,
    stillValid: () => isTokenValid(deps, { principal }),
  }
}

/**
 * A cookie comes by itself, also where the page of another site connects: it counts only where the browser
 * says that the page is ours.
 */
function sessionSecretOf(
  { publicUrl }: Pick<AuthenticateSocketDeps, 'publicUrl'>,
  headers: IncomingMessage['headers'],
): string | null {
  const { host = '', origin, cookie } = headers
  const isOurs =
    origin === undefined
      ? headers['sec-fetch-site'] === 'same-origin'
      : isOwnOrigin({ origin, host }, publicUrl)
  if (!isOurs) return null
  const secure = isSecure({ host }, publicUrl)
  const found = readCookie(cookie, 'session', true)
  return found ?? (secure ? null : readCookie(cookie, 'session', false))
}

async function bySession(
  sessions: Sessions,
  secret: string,
  permission: Permission,
): Promise<Admission | null> {
  const principal = await sessions.authenticate(secret)
  if (principal === null) return null
  return {
    principal,
    credential: `session ${principal.session ?? ''}`,
    async stillValid() {
      const now = await sessions.authenticate(secret, { passive: true })
      return now !== null && allows(now, permission)
    },
  }
}

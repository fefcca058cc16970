import type { FastifyInstance } from 'fastify'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'

const principalKey = Symbol('principal')

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is asking. Reading it on a route that is open to everybody throws. */
    readonly principal: Principal
    /** Whether the token behind this request is still good; rejects when that cannot be told. */
    stillValid: (() => Promise<boolean>) | undefined
    [principalKey]: Principal | null
  }
}

/** Whoever holds a signed link: it names the one thing that it opens, and nothing else is. */
export const linkHolder: Principal = {
  id: 'signed link',
  name: 'signed link',
  roles: [],
  repositories: null,
}

/** Another server of the same database. */
export const otherServer: Principal = {
  id: 'server',
  name: 'server',
  roles: [],
  repositories: null,
}

/** Gives every request a place for its principal, empty until `setPrincipal`. */
export function decoratePrincipal(app: FastifyInstance): void {
  app.decorateRequest(principalKey, null)
  app.decorateRequest('stillValid', undefined)
  app.decorateRequest('principal', {
    getter() {
      const principal = this[principalKey]
      if (principal === null) {
        throw new AppError('authentication_failed', 'This needs a bearer token')
      }
      return principal
    },
  })
}

type Holder = { [principalKey]: Principal | null }

export function setPrincipal(request: Holder, principal: Principal): void {
  request[principalKey] = principal
}

/** Null before authentication, and on routes that are open to everybody. */
export function knownPrincipal(request: Holder): Principal | null {
  return request[principalKey]
}

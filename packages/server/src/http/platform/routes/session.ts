import { CreateSessionRequest, EndedSession, Session } from '@slipway/contract/sign-in'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Kysely } from 'kysely'
import { isOwnOrigin } from '../../../access/index.ts'
import type { Tables } from '../../../db/tables.gen.ts'
import { AppError } from '../../../errors.ts'
import type { SignInProvider } from '../../../ports/sign-in.ts'
import {
  type BegunSession,
  describeSession,
  endSession,
  isSecure,
  type Sessions,
  writeCookie,
} from '../../../sign-in/index.ts'
import { originOf } from '../../origin-of.ts'
import { setPrincipal } from '../../principal.ts'
import { byName, requireOwnPage, sessionSecretOf } from '../../session-cookie.ts'
import { refusals } from '../refusals.ts'

export interface SessionRoutesDeps {
  db: Kysely<Tables>
  signIn: {
    sessions: Sessions
    /** Null: no issuer is set up for browsers. */
    provider: SignInProvider | null
    /** What browsers ask for; null: the address that they asked. */
    publicUrl: string | null
  }
}

/** `/v1/session`: who is asking, and the sessions of browsers. */
export function sessionRoutes(deps: SessionRoutesDeps): FastifyPluginAsync {
  return async (app) => {
    app.get(
      '/session',
      {
        schema: {
          operationId: 'getSession',
          tags: ['Access'],
          summary: 'Show who is asking',
          description: 'By a token or by a session’s cookie: roles, permissions, repositories.',
          response: { 200: Session },
        },
      },
      async (request, reply) => {
        const { principal } = request
        const isSession = principal.session !== undefined
        const secret = isSession ? sessionSecretOf(request, deps.signIn) : null
        void reply.header('cache-control', 'no-store')
        return describeSession(deps, { principal, secret })
      },
    )

    app.post<{ Body: CreateSessionRequest }>(
      '/session',
      {
        schema: {
          operationId: 'createSession',
          tags: ['Access'],
          summary: 'Sign a browser in with a token',
          description:
            'The answer sets a cookie that no script can read. What is changed with it needs `X-CSRF-Token`.',
          body: CreateSessionRequest,
          response: {
            201: Session,
            ...refusals({
              401: 'The token is unknown, expired or no longer valid.',
              403: 'The page of another site has asked.',
              503: 'Whose token it is cannot be told at the moment.',
            }),
          },
        },
      },
      async (request, reply) => {
        const { host, headers, body } = request
        if (!isOwnOrigin({ origin: headers.origin, host }, deps.signIn.publicUrl)) {
          throw new AppError(
            'authorization_failed',
            `Pages of other sites may sign nobody in; ${byName}`,
            { reason: 'origin' },
          )
        }
        const begun = await begin(deps, request, body.token)
        await keepSession(deps, request, reply, begun)
        const { principal, secret } = begun
        return reply
          .code(201)
          .header('cache-control', 'no-store')
          .send(await describeSession(deps, { principal, secret }))
      },
    )

    app.delete(
      '/session',
      {
        schema: {
          operationId: 'endSession',
          tags: ['Access'],
          summary: 'Sign a browser out',
          description:
            'Needs `X-CSRF-Token`. Ends at once on the server asked, within ten seconds on others. Repeating it changes nothing.',
          response: {
            200: EndedSession,
            ...refusals({ 403: 'The page of another site has asked.' }),
          },
        },
      },
      async (request, reply) => {
        const secret = sessionSecretOf(request, deps.signIn)
        let endSessionUrl: string | null = null
        if (secret !== null) {
          requireOwnPage(request, deps.signIn, secret)
          const returnTo = `${deps.signIn.publicUrl ?? originOf(request)}/`
          const ended = await endSession(deps.signIn, { secret, returnTo })
          if (ended !== null) setPrincipal(request, ended.principal)
          endSessionUrl = ended?.url ?? null
        }
        return reply
          .header('set-cookie', cookieFor(deps, request, '', 0))
          .header('cache-control', 'no-store')
          .send({ end_session_url: endSessionUrl })
      },
    )
  }
}

async function begin(
  { signIn }: SessionRoutesDeps,
  request: FastifyRequest,
  token: string,
): Promise<BegunSession> {
  const tokens = { accessToken: token, refreshToken: null, idToken: null }
  const begun = await signIn.sessions.begin('token', tokens).catch((error: unknown) => {
    request.log.error({ err: error, request_id: request.id }, 'A token could not be checked')
    throw new AppError('unavailable', 'Whose token this is cannot be told at the moment')
  })
  if (begun !== null) return begun
  throw new AppError('authentication_failed', 'This token is unknown, expired or no longer valid')
}

/** Gives a browser its session, in place of the one that it had. */
export async function keepSession(
  deps: Pick<SessionRoutesDeps, 'signIn'>,
  request: FastifyRequest,
  reply: FastifyReply,
  { secret, principal, expiresAt }: BegunSession,
): Promise<void> {
  const former = sessionSecretOf(request, deps.signIn)
  if (former !== null) await deps.signIn.sessions.end(former)
  // For the audit log.
  setPrincipal(request, principal)
  void reply.header('set-cookie', cookieFor(deps, request, secret, expiresAt - Date.now()))
}

function cookieFor(
  { signIn }: Pick<SessionRoutesDeps, 'signIn'>,
  { protocol, host }: FastifyRequest,
  value: string,
  maxAgeMs: number,
): string {
  const secure = isSecure({ protocol, host }, signIn.publicUrl)
  return writeCookie('session', value, { isSecure: secure, maxAgeMs })
}

import {
  BeginSignInQuery,
  ExchangedToken,
  ExchangeGithubActionsRequest,
  FinishSignInQuery,
  SignInConfiguration,
} from '@slipway/contract/sign-in'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { SignInFailure } from '../../../ports/sign-in.ts'
import type { Log } from '../../../db/log.ts'
import type { Vault } from '../../../secrets/index.ts'
import {
  beginSignIn,
  exchangeGithubActions,
  finishSignIn,
  type GithubActionsExchange,
  isSecure,
  readCookie,
  signInMs,
  writeCookie,
} from '../../../sign-in/index.ts'
import { originOf } from '../../origin-of.ts'
import { setPrincipal } from '../../principal.ts'
import { refusals } from '../refusals.ts'
import { keepSession, type SessionRoutesDeps } from './session.ts'

export interface SignInRoutesDeps extends SessionRoutesDeps {
  signIn: SessionRoutesDeps['signIn'] & {
    vault: Pick<Vault, 'seal' | 'open'>
    log: Log
    /** Null: no rule lets jobs of GitHub Actions in. */
    githubActions: GithubActionsExchange | null
    /** What the command line signs in by; null: by tokens only. */
    device: SignInConfiguration['device']
  }
}

const SentAway = (description: string) => Type.Null({ description })

/** `/v1/sign-in`: the way in by an issuer, and what there is to be known before it. */
export function signInRoutes(deps: SignInRoutesDeps): FastifyPluginAsync {
  const { signIn } = deps
  return async (app) => {
    app.get(
      '/sign-in/configuration',
      {
        schema: {
          operationId: 'getSignInConfiguration',
          tags: ['Access'],
          summary: 'Show how people, programs and jobs get in',
          response: { 200: SignInConfiguration },
        },
      },
      async () => configurationOf(signIn),
    )

    app.get<{ Querystring: BeginSignInQuery }>(
      '/sign-in',
      {
        schema: {
          operationId: 'beginSignIn',
          tags: ['Access'],
          summary: 'Send a browser to the issuer',
          description: 'For a browser to go to, not for a program to call.',
          querystring: BeginSignInQuery,
          response: {
            303: SentAway('To the issuer; to `/sign-in?sign_in_error=…` where it does not answer.'),
            ...refusals({ 404: 'No issuer is set up for browsers.' }),
          },
        },
      },
      async (request, reply) => {
        const { return_to: returnTo = '/' } = request.query
        void reply.header('cache-control', 'no-store')
        try {
          const { url, cookie } = await beginSignIn(signIn, {
            returnTo,
            redirectUri: `${signIn.publicUrl ?? originOf(request)}/v1/sign-in/callback`,
          })
          void reply.header('set-cookie', cookieFor(deps, request, cookie))
          return await reply.redirect(url, 303)
        } catch (error) {
          if (!(error instanceof SignInFailure)) throw error
          request.log.warn({ err: error }, 'The issuer could not be asked')
          return reply.redirect(failedPath('unavailable', returnTo), 303)
        }
      },
    )

    app.get<{ Querystring: FinishSignInQuery }>(
      '/sign-in/callback',
      {
        schema: {
          operationId: 'finishSignIn',
          tags: ['Access'],
          summary: 'Take a browser back from the issuer',
          description: 'The issuer sends browsers here.',
          querystring: FinishSignInQuery,
          response: {
            303: SentAway('To where it came from, signed in; else to `/sign-in?sign_in_error=…`.'),
            ...refusals({ 404: 'No issuer is set up for browsers.' }),
          },
        },
      },
      async (request, reply) => {
        const { host, protocol, headers } = request
        const secure = isSecure({ host, protocol }, signIn.publicUrl)
        const finished = await finishSignIn(signIn, {
          cookie: readCookie(headers.cookie, 'sign-in', secure),
          state: request.query.state ?? '',
          query: request.url.split('?', 2)[1] ?? '',
        })
        void reply
          .header('cache-control', 'no-store')
          .header('set-cookie', cookieFor(deps, request, ''))
        if ('error' in finished) {
          return reply.redirect(failedPath(finished.error, finished.returnTo), 303)
        }
        await keepSession(deps, request, reply, finished.session)
        return reply.redirect(finished.returnTo, 303)
      },
    )

    app.post<{ Body: ExchangeGithubActionsRequest }>(
      '/sign-in/github-actions',
      {
        schema: {
          operationId: 'exchangeGithubActionsToken',
          tags: ['Access'],
          summary: 'Exchange an ID token of GitHub Actions for a token',
          description:
            'Once for each ID token. The token is short-lived, sees the job’s repository only, and has the roles of the rules that hold for the job.',
          body: ExchangeGithubActionsRequest,
          response: {
            201: ExchangedToken,
            ...refusals({
              401: 'The ID token is not valid here.',
              403: 'No rule lets the job in.',
              409: 'The ID token has been exchanged already.',
              503: 'GitHub’s keys cannot be had at the moment.',
            }),
          },
        },
      },
      async (request, reply) => {
        const { id, ...exchanged } = await exchangeGithubActions(
          { db: deps.db, log: signIn.log, githubActions: signIn.githubActions },
          { token: request.body.token },
        )
        const { name, roles, repositories } = exchanged
        // For the audit log.
        setPrincipal(request, { id, name, roles, repositories })
        return reply.code(201).header('cache-control', 'no-store').send(exchanged)
      },
    )
  }
}

function configurationOf(signIn: SignInRoutesDeps['signIn']): SignInConfiguration {
  const { provider, device, githubActions } = signIn
  return {
    browser: {
      token: true,
      oidc: provider === null ? null : { url: '/v1/sign-in', issuer: provider.issuer },
    },
    device,
    github_actions:
      githubActions === null
        ? null
        : { issuer: githubActions.tokens.issuer, audience: githubActions.tokens.audience },
  }
}

/** The dashboard's page that says what happened, and lets somebody try again. */
function failedPath(error: string, returnTo: string | null): string {
  const query = new URLSearchParams({ sign_in_error: error, return_to: returnTo ?? '/' })
  return `/sign-in?${query.toString()}`
}

function cookieFor(
  { signIn }: Pick<SignInRoutesDeps, 'signIn'>,
  { protocol, host }: FastifyRequest,
  value: string,
): string {
  const secure = isSecure({ protocol, host }, signIn.publicUrl)
  return writeCookie('sign-in', value, { isSecure: secure, maxAgeMs: signInMs })
}

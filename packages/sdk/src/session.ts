import type {
  ExchangedToken,
  ExchangeGithubActionsRequest,
  Session,
  SignInConfiguration,
} from '@slipway/contract/sign-in'
import type { CallOptions, Transport } from './transport.ts'

export interface SessionApi {
  /** Who the client is to the server: name, roles, permissions, repositories. */
  get(options?: CallOptions): Promise<Session>
  /** How people, programs and jobs get in; needs no token. */
  configuration(options?: CallOptions): Promise<SignInConfiguration>
  /** A short-lived token for the ID token of a job of GitHub Actions, which is good for this once. */
  exchangeGithubActions(
    request: ExchangeGithubActionsRequest,
    options?: CallOptions,
  ): Promise<ExchangedToken>
}

export function sessionApi(transport: Transport): SessionApi {
  return {
    async get({ signal } = {}) {
      return (await transport.json({ path: 'v1/session', signal })) as Session
    },
    async configuration({ signal } = {}) {
      const path = 'v1/sign-in/configuration'
      return (await transport.json({ path, signal })) as SignInConfiguration
    },
    async exchangeGithubActions(request, { signal } = {}) {
      const path = 'v1/sign-in/github-actions'
      const input = { method: 'POST', path, body: request, signal } as const
      return (await transport.json(input)) as ExchangedToken
    },
  }
}

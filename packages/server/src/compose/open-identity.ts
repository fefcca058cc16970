import type { SignInConfiguration } from '@slipway/contract/sign-in'
import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import { openApiTokens } from '../adapters/identity/api-tokens.ts'
import { openGithubActionsTokens } from '../adapters/identity/oidc/open-github-actions.ts'
import { openIssuerKeys } from '../adapters/identity/oidc/issuer-keys.ts'
import { openOidcTokens } from '../adapters/identity/oidc/open-oidc-tokens.ts'
import { openSignInProvider } from '../adapters/identity/oidc/open-sign-in-provider.ts'
import type { Config } from '../config/read-config.ts'
import type { Signals } from '../db/signals.ts'
import type { Tables } from '../db/tables.gen.ts'
import type { Identity } from '../ports/identity.ts'
import type { SignInProvider } from '../ports/sign-in.ts'
import type { Resources } from '../resources.ts'
import type { Vault } from '../secrets/index.ts'
import { type GithubActionsExchange, openSessions, type Sessions } from '../sign-in/index.ts'

export interface OpenedIdentity {
  identity: Identity
  sessions: Sessions
  /** Ends a revoked token on this server at once, and on the others as soon as they hear of it. */
  forgetToken: (id: string) => void
  /** What the routes of `/v1/sign-in` and `/v1/session` need. */
  signIn: {
    sessions: Sessions
    provider: SignInProvider | null
    publicUrl: string | null
    vault: Vault
    log: Logger
    githubActions: GithubActionsExchange | null
    device: SignInConfiguration['device']
  }
}

/** The payload is the id of a token. */
const revokedChannel = 'slipway_tokens_revoked'

/** Whose tokens are taken: our own, and those of the issuer, if there is one; and who gets in by them. */
export function openIdentity(
  config: Pick<Config, 'signIn' | 'http'>,
  log: Logger,
  opened: {
    db: Kysely<Tables>
    /** Of all servers on the database; absent: there can be no other. */
    signals?: Signals | undefined
    adminToken: string
    vault: Vault
  },
  resources: Resources,
): OpenedIdentity {
  const { db, signals, adminToken, vault } = opened
  const { oidc, githubActions, sessions: lasting } = config.signIn
  const { publicUrl } = config.http
  const tokens = resources.add(
    'tokens',
    openApiTokens(
      { db, onError: (error) => log.warn({ err: error }, 'times of last use were not stored') },
      { adminToken },
    ),
    (started) => started.close(),
  )
  const deaf = signals?.on(revokedChannel, (id) => {
    // What was missed is found out when the look-up of a token is stale.
    if (id !== null) tokens.forget(id)
  })
  resources.add('revocations', deaf, async (stop) => stop?.())
  const keys = oidc === null ? null : openIssuerKeys({ log }, oidc)
  const identity =
    oidc === null || keys === null ? tokens : together(tokens, openOidcTokens({ log, keys }, oidc))
  // Before anybody waits for them; that it cannot be done now is in the log.
  keys?.load().catch(() => {})
  const provider =
    oidc === null || keys === null || oidc.client === null
      ? null
      : openSignInProvider(
          { keys },
          { ...oidc, clientId: oidc.client.id, clientSecret: oidc.client.secret },
        )
  const sessions = resources.add(
    'sessions',
    openSessions({ db, vault, log, identity, provider }, lasting),
    (started) => started.close(),
  )
  return {
    identity,
    sessions,
    forgetToken(id) {
      tokens.forget(id)
      signals?.notify(revokedChannel, id)
    },
    signIn: {
      sessions,
      provider,
      publicUrl,
      vault,
      log,
      githubActions:
        githubActions === null
          ? null
          : {
              rules: githubActions.rules,
              tokens: openGithubActionsTokens(
                { log, keys: openIssuerKeys({ log }, githubActions) },
                githubActions,
              ),
            },
      device:
        oidc === null || oidc.cliClientId === null
          ? null
          : { issuer: oidc.issuer, client_id: oidc.cliClientId, scope: oidc.scope },
    },
  }
}

/** Our own tokens first: they begin in a way that others do not. */
function together(first: Identity, second: Identity): Identity {
  return {
    name: `${first.name}, ${second.name}`,
    authenticate: async (bearer) =>
      (await first.authenticate(bearer)) ?? (await second.authenticate(bearer)),
  }
}

import type { GithubActionsRule } from './github-actions-rules.ts'
import type { SettingValues } from './settings.ts'
import { isOnThisMachine } from './sign-in-settings.ts'

/** How people, programs and jobs say who they are, besides API tokens. */
export interface SignInConfig {
  /** Null: API tokens only. */
  oidc: {
    /** To the letter. */
    issuer: string
    audience: string
    rolePrefix: string
    /** Separated by spaces. */
    scope: string
    allowHttp: boolean
    /** By which browsers sign in; null: they do not. */
    client: { id: string; secret: string | null } | null
    /** By which the command line does; null: it does not. */
    cliClientId: string | null
  } | null
  sessions: { lifetimeMs: number; idleMs: number }
  /** Null: no rule lets jobs in. */
  githubActions: {
    issuer: string
    audience: string
    allowHttp: boolean
    rules: readonly GithubActionsRule[]
  } | null
}

/** What is wrong with these settings together. What was refused is undefined: that is told already. */
export function signInProblems(
  values: SettingValues,
  rules: readonly GithubActionsRule[],
): string[] {
  const problems: string[] = []
  const { OIDC_ISSUER: issuer, OIDC_AUDIENCE: audience } = values
  const clients = ['OIDC_CLIENT_ID', 'OIDC_CLI_CLIENT_ID'] as const
  for (const name of [...clients, 'OIDC_CLIENT_SECRET'] as const) {
    if (issuer === null && typeof values[name] === 'string') {
      problems.push(`${name}: has no meaning without OIDC_ISSUER`)
    }
  }
  for (const name of clients) {
    if (typeof issuer === 'string' && values[name] === audience) {
      problems.push(
        `OIDC_AUDIENCE: must not be ${name}: what is made out to that client shows it who somebody is, and opens nothing here`,
      )
    }
  }
  if (typeof values.OIDC_CLIENT_SECRET === 'string' && values.OIDC_CLIENT_ID === null) {
    problems.push('OIDC_CLIENT_SECRET: is of OIDC_CLIENT_ID, which is not set')
  }
  for (const name of ['OIDC_ISSUER', 'GITHUB_ACTIONS_ISSUER'] as const) {
    const url = values[name]
    if (typeof url !== 'string' || url.startsWith('https:')) continue
    if (values.OIDC_ALLOW_HTTP || isOnThisMachine(url)) continue
    problems.push(`${name}: must be https, unless OIDC_ALLOW_HTTP is true`)
  }
  if (values.SLIPWAY_SESSION_IDLE > values.SLIPWAY_SESSION_LIFETIME) {
    problems.push('SLIPWAY_SESSION_IDLE: must not be longer than SLIPWAY_SESSION_LIFETIME')
  }
  const { GITHUB_ACTIONS_AUDIENCE: ofActions, SLIPWAY_PUBLIC_URL: publicUrl } = values
  if (rules.length > 0 && ofActions === null && publicUrl === null) {
    problems.push(
      'GITHUB_ACTIONS_AUDIENCE: is needed for signIn.githubActions where there is no SLIPWAY_PUBLIC_URL',
    )
  }
  return problems
}

export function toSignIn(values: SettingValues, rules: readonly GithubActionsRule[]): SignInConfig {
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId } = values
  const audience = values.GITHUB_ACTIONS_AUDIENCE ?? values.SLIPWAY_PUBLIC_URL
  const mayBePlain = (url: string) => url.startsWith('http:')
  return {
    oidc:
      issuer === null
        ? null
        : {
            issuer,
            audience: values.OIDC_AUDIENCE,
            rolePrefix: values.OIDC_ROLE_PREFIX,
            scope: values.OIDC_SCOPES,
            allowHttp: mayBePlain(issuer),
            client: clientId === null ? null : { id: clientId, secret: values.OIDC_CLIENT_SECRET },
            cliClientId: values.OIDC_CLI_CLIENT_ID,
          },
    sessions: {
      lifetimeMs: values.SLIPWAY_SESSION_LIFETIME,
      idleMs: values.SLIPWAY_SESSION_IDLE,
    },
    githubActions:
      rules.length === 0 || audience === null
        ? null
        : {
            issuer: values.GITHUB_ACTIONS_ISSUER,
            audience,
            allowHttp: mayBePlain(values.GITHUB_ACTIONS_ISSUER),
            rules,
          },
  }
}

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConfigError, readConfig } from './read-config.ts'

let directory: string
let files = 0
beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), 'slipway-sign-in-'))))
afterAll(() => rm(directory, { recursive: true, force: true }))

async function file(text: string): Promise<string> {
  const path = join(directory, `${++files}.yaml`)
  await writeFile(path, text)
  return path
}

async function problemsOf(env: Record<string, string>): Promise<readonly string[]> {
  try {
    await readConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

const issuer = 'https://sso.example.com/realms/slipway'

describe('the settings of an issuer', () => {
  it('come to all that is known of it', async () => {
    const { signIn } = await readConfig({
      OIDC_ISSUER: `${issuer}/`,
      OIDC_CLIENT_ID: 'web',
      OIDC_CLIENT_SECRET: 's3cret',
      OIDC_CLI_CLIENT_ID: 'cli',
      OIDC_SCOPES: ' openid  roles ',
      OIDC_ROLE_PREFIX: 'slipway-',
      SLIPWAY_SESSION_LIFETIME: '8h',
      SLIPWAY_SESSION_IDLE: '1h',
    })
    expect(signIn).toEqual({
      oidc: {
        issuer: `${issuer}/`,
        audience: 'slipway-api',
        rolePrefix: 'slipway-',
        scope: 'openid roles',
        allowHttp: false,
        client: { id: 'web', secret: 's3cret' },
        cliClientId: 'cli',
      },
      sessions: { lifetimeMs: 8 * 3_600_000, idleMs: 3_600_000 },
      githubActions: null,
    })
  })

  it.each([
    'http://127.0.0.1:8080/realms/slipway',
    'http://localhost:8080/realms/slipway',
    'http://[::1]:8080/realms/slipway',
  ])('may be of this machine without TLS: %s', async (url) => {
    expect((await readConfig({ OIDC_ISSUER: url })).signIn.oidc).toMatchObject({ allowHttp: true })
  })

  it('may be of another one without TLS where that is wanted', async () => {
    const env = { OIDC_ISSUER: 'http://keycloak:8080/realms/slipway', OIDC_ALLOW_HTTP: 'true' }
    expect((await readConfig(env)).signIn.oidc).toMatchObject({ allowHttp: true })
  })

  it.each<[Record<string, string>, string]>([
    [{ OIDC_ISSUER: 'sso.example.com' }, 'OIDC_ISSUER: is no http or https URL'],
    [{ OIDC_ISSUER: 'ftp://x/' }, 'OIDC_ISSUER: is no http or https URL'],
    [{ OIDC_ISSUER: `${issuer}?x=1` }, 'OIDC_ISSUER: must be without a query, fragment and login'],
    [
      { OIDC_ISSUER: 'https://a:b@sso.example.com' },
      'OIDC_ISSUER: must be without a query, fragment and login',
    ],
    [
      { OIDC_ISSUER: 'http://sso.example.com/' },
      'OIDC_ISSUER: must be https, unless OIDC_ALLOW_HTTP is true',
    ],
    [
      { OIDC_ISSUER: 'http://127.0.0.1.example.com/' },
      'OIDC_ISSUER: must be https, unless OIDC_ALLOW_HTTP is true',
    ],
    [{ OIDC_CLIENT_ID: 'web' }, 'OIDC_CLIENT_ID: has no meaning without OIDC_ISSUER'],
    [{ OIDC_CLI_CLIENT_ID: 'cli' }, 'OIDC_CLI_CLIENT_ID: has no meaning without OIDC_ISSUER'],
    [
      { OIDC_ISSUER: issuer, OIDC_CLIENT_SECRET: 's' },
      'OIDC_CLIENT_SECRET: is of OIDC_CLIENT_ID, which is not set',
    ],
    [
      { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: 'slipway-api' },
      'OIDC_AUDIENCE: must not be OIDC_CLIENT_ID: what is made out to that client shows it who somebody is, and opens nothing here',
    ],
    [
      { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: 'a b' },
      'OIDC_CLIENT_ID: may only hold printable ASCII characters, without spaces',
    ],
    [
      { OIDC_ISSUER: issuer, OIDC_SCOPES: 'profile' },
      'OIDC_SCOPES: must have openid among its scopes',
    ],
    [
      { SLIPWAY_SESSION_IDLE: '2d', SLIPWAY_SESSION_LIFETIME: '1d' },
      'SLIPWAY_SESSION_IDLE: must not be longer than SLIPWAY_SESSION_LIFETIME',
    ],
    [{ SLIPWAY_SESSION_LIFETIME: '401d' }, 'SLIPWAY_SESSION_LIFETIME: must be from 1m to 400d'],
    [
      { GITHUB_ACTIONS_ISSUER: 'http://ghes.example.com/_services/token' },
      'GITHUB_ACTIONS_ISSUER: must be https, unless OIDC_ALLOW_HTTP is true',
    ],
  ])('of %o are refused', async (env, problem) => {
    expect(await problemsOf(env)).toEqual([problem])
  })
})

describe('signIn.githubActions', () => {
  const rule = (more: string) =>
    `signIn:\n  githubActions:\n    - { repository: acme/shop, roles: [viewer]${more} }\n`

  it('comes to rules, for the public URL unless told otherwise', async () => {
    const SLIPWAY_CONFIG = await file(rule(', branches: [main], lifetime: 1h'))
    const env = { SLIPWAY_CONFIG, SLIPWAY_PUBLIC_URL: 'https://slipway.example.com' }
    expect((await readConfig(env)).signIn.githubActions).toEqual({
      issuer: 'https://token.actions.githubusercontent.com',
      audience: 'https://slipway.example.com',
      allowHttp: false,
      rules: [
        {
          repository: 'acme/shop',
          branches: ['main'],
          tags: null,
          environments: null,
          events: ['push', 'workflow_dispatch', 'schedule', 'release', 'merge_group'],
          roles: ['viewer'],
          lifetimeMs: 3_600_000,
        },
      ],
    })
    const other = await readConfig({ ...env, GITHUB_ACTIONS_AUDIENCE: 'slipway' })
    expect(other.signIn.githubActions?.audience).toBe('slipway')
  })

  it('needs something that ID tokens are made out to', async () => {
    expect(await problemsOf({ SLIPWAY_CONFIG: await file(rule('')) })).toEqual([
      'GITHUB_ACTIONS_AUDIENCE: is needed for signIn.githubActions where there is no SLIPWAY_PUBLIC_URL',
    ])
  })

  it.each([
    ['repository: acme', 'repository: is no pattern such as acme/shop or acme/*'],
    ['repository: acme/**', 'repository: is no pattern such as acme/shop or acme/*'],
    ["repository: '*/shop'", 'repository: the owner must be named, at least in part'],
    ['repository: acme/shop, roles: []', 'roles: must not be empty'],
    ['repository: acme/shop, lifetime: 7h', 'lifetime: must be from 1m to 6h'],
    [
      'repository: acme/shop, lifetime: soon',
      'lifetime: "soon" is not a duration such as 30s, 12h or 90d',
    ],
    [
      "repository: acme/shop, branches: ['a?']",
      'branches[0]: may have only * and ** as wildcards, and no spaces',
    ],
  ])('refuses a rule with %s', async (text, problem) => {
    const roles = text.includes('roles') ? '' : ', roles: [viewer]'
    const path = await file(`signIn:\n  githubActions:\n    - { ${text}${roles} }\n`)
    const env = { SLIPWAY_CONFIG: path, GITHUB_ACTIONS_AUDIENCE: 'x' }
    expect(await problemsOf(env)).toEqual([
      `SLIPWAY_CONFIG (${path}): signIn.githubActions[0].${problem}`,
    ])
  })

  it('refuses roles that there are not', async () => {
    const path = await file(
      'signIn:\n  githubActions:\n    - { repository: acme/shop, roles: [emperor] }\n',
    )
    const [problem] = await problemsOf({ SLIPWAY_CONFIG: path, GITHUB_ACTIONS_AUDIENCE: 'x' })
    expect(problem).toContain('signIn.githubActions[0].roles[0]: must be one of viewer')
  })
})

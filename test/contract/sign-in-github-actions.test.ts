import { writeFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ListAuditResponse, ListTokensResponse } from '@slipway/contract/access'
import type { ExchangedToken, Session } from '@slipway/contract/sign-in'
import type { JWTPayload } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newKey, startIssuer, type TestIssuer } from '../support/oidc-issuer.ts'
import { type SignInApp, startSignInApp } from '../support/sign-in-app.ts'

const audience = 'https://slipway.example.com'
const rules = `
signIn:
  githubActions:
    - { repository: acme/shop, branches: [main], roles: [developer] }
    - { repository: acme/shop, environments: [production], roles: [operator], lifetime: 5m }
    - { repository: acme/site, tags: ['v*'], roles: [viewer, service-account] }
`

let github: TestIssuer
let test: SignInApp
let directory: string
beforeAll(async () => {
  github = await startIssuer()
  directory = await mkdtemp(join(tmpdir(), 'slipway-rules-'))
  const file = join(directory, 'slipway.yaml')
  await writeFile(file, rules)
  test = await startSignInApp({
    env: {
      SLIPWAY_CONFIG: file,
      GITHUB_ACTIONS_ISSUER: github.issuer,
      GITHUB_ACTIONS_AUDIENCE: audience,
    },
  })
})
afterAll(async () => {
  await test.close()
  await github.close()
  await rm(directory, { recursive: true, force: true })
})

/** GitHub Docs, "OpenID Connect reference", the example of an ID token. */
const job: JWTPayload = {
  aud: audience,
  sub: 'repo:acme/shop:ref:refs/heads/main',
  ref: 'refs/heads/main',
  sha: 'a'.repeat(40),
  repository: 'acme/shop',
  repository_owner: 'acme',
  actor_id: '12',
  repository_id: '74',
  run_id: '7001',
  run_number: '10',
  run_attempt: '2',
  actor: 'octocat',
  workflow: 'deploy',
  head_ref: '',
  base_ref: '',
  event_name: 'push',
  ref_type: 'branch',
  job_workflow_ref: 'acme/shop/.github/workflows/deploy.yml@refs/heads/main',
}
const without = ['typ', 'azp', 'email', 'email_verified', 'preferred_username', 'realm_access']
const idToken = (claims: JWTPayload = {}, more: Parameters<TestIssuer['sign']>[1] = {}) =>
  github.sign({ ...job, ...claims }, { without, ...more })
const exchange = (token: string) =>
  test.request('POST', '/v1/sign-in/github-actions', { token: null, body: { token } })

describe('POST /v1/sign-in/github-actions', () => {
  it('gives a job a short-lived token for its repository', async () => {
    const answer = await exchange(await idToken())
    expect(answer.statusCode).toBe(201)
    expect(answer.headers['cache-control']).toBe('no-store')
    const exchanged = answer.json<ExchangedToken>()
    expect(exchanged).toEqual({
      token: expect.stringMatching(/^slw_\w{40}$/) as unknown,
      token_type: 'Bearer',
      expires_at: expect.any(String) as unknown,
      expires_in: 900,
      name: expect.stringMatching(/^github-actions acme\/shop 7001\.2 [0-9a-f]{16}$/) as unknown,
      roles: ['developer'],
      repositories: ['acme/shop'],
    })
    const { token, name } = exchanged
    const session = (await test.request('GET', '/v1/session', { token })).json<Session>()
    expect(session).toMatchObject({ name, roles: ['developer'], repositories: ['acme/shop'] })
    expect(session.expires_at).toBe(exchanged.expires_at)
  })

  it('adds up the rules that hold, for the shortest of their times', async () => {
    const exchanged = (
      await exchange(await idToken({ environment: 'production' }))
    ).json<ExchangedToken>()
    expect(exchanged).toMatchObject({ roles: ['developer', 'operator'], expires_in: 300 })
  })

  it('is in the audit log by the token’s name', async () => {
    const { name } = (await exchange(await idToken())).json<ExchangedToken>()
    const { entries } = (await test.request('GET', '/v1/audit?limit=3')).json<ListAuditResponse>()
    expect(entries).toContainEqual(
      expect.objectContaining({
        actor: name,
        action: 'POST /v1/sign-in/github-actions',
        outcome: 201,
      }),
    )
  })

  it('takes an ID token once, also where its token was revoked', async () => {
    const token = await idToken()
    const answers = await Promise.all([exchange(token), exchange(token), exchange(token)])
    expect(answers.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b)).toEqual([
      201, 409, 409,
    ])
    const { tokens } = (await test.request('GET', '/v1/tokens?limit=1')).json<ListTokensResponse>()
    await test.request('DELETE', `/v1/tokens/${tokens[0]?.id ?? ''}`)
    const again = await exchange(token)
    expect(again.statusCode).toBe(409)
    expect(again.json().error.code).toBe('resource_conflict')
  })

  it.each<[string, JWTPayload]>([
    ['of another repository', { repository: 'acme/other' }],
    ['of a fork', { repository: 'evil/shop' }],
    ['on another branch', { ref: 'refs/heads/feature' }],
    ['on a pull request', { ref: 'refs/pull/7/merge', event_name: 'pull_request' }],
    ['that anybody can cause', { event_name: 'pull_request_target' }],
    ['with a tag of the branch’s name', { ref: 'refs/tags/main' }],
    ['on another tag', { repository: 'acme/site', ref: 'refs/tags/1' }],
  ])('lets in no job %s', async (_which, claims) => {
    const answer = await exchange(await idToken(claims))
    expect(answer.statusCode).toBe(403)
    expect(answer.json().error).toMatchObject({
      code: 'authorization_failed',
      details: { reason: 'no_rule' },
    })
  })

  it.each<[string, JWTPayload]>([
    ['for somebody else', { aud: 'https://example.com' }],
    ['that has expired', { exp: Math.floor(Date.now() / 1000) - 61 }],
    ['that is not valid yet', { nbf: Math.floor(Date.now() / 1000) + 300 }],
    ['of another issuer', { iss: 'https://token.actions.example.com' }],
    ['of no job', { repository: '' }],
    ['of no run', { run_id: '' }],
    ['of no event', { event_name: null }],
    ['without an id', { jti: '' }],
  ])('refuses an ID token %s', async (_which, claims) => {
    const answer = await exchange(await idToken(claims))
    expect(answer.statusCode).toBe(401)
    expect(answer.json().error.code).toBe('authentication_failed')
  })

  it('refuses what another signed, and what is no token', async () => {
    const answer = await exchange(await idToken({}, { key: await newKey() }))
    expect(answer.statusCode).toBe(401)
    expect((await exchange('x')).statusCode).toBe(401)
    const ofPerson = await exchange(await test.issuer.sign({ ...job, iss: test.issuer.issuer }))
    expect(ofPerson.statusCode).toBe(401)
    expect(
      (await test.request('POST', '/v1/sign-in/github-actions', { body: {} })).statusCode,
    ).toBe(400)
  })

  it('gives tokens that are one person for approvals, whichever job has them', async () => {
    const ask = async (more: JWTPayload) => {
      const { token } = (await exchange(await idToken(more))).json<ExchangedToken>()
      return (await test.identity.authenticate(token))?.person
    }
    const [one, other] = [await ask({}), await ask({ run_id: '9', environment: 'production' })]
    expect(one).toBe(`${github.issuer}|repo:acme/shop`)
    expect(other).toBe(one)
  })

  it('sweeps tokens that ended long ago', async () => {
    await exchange(await idToken())
    await test.database.pool.query(
      `update tokens set expires_at = now() - interval '2 hours' where exchanged_for is not null`,
    )
    await exchange(await idToken())
    const { rows } = await test.database.pool.query(
      'select count(*)::int as n from tokens where exchanged_for is not null',
    )
    expect(rows).toEqual([{ n: 1 }])
  })

  it('is told of in the configuration', async () => {
    const answer = await test.request('GET', '/v1/sign-in/configuration', { token: null })
    expect(answer.json()).toMatchObject({ github_actions: { issuer: github.issuer, audience } })
  })

  it('answers 503 where GitHub’s keys cannot be had', async () => {
    await github.rotate({ keep: true })
    const token = await idToken()
    await github.stop()
    try {
      await expect
        .poll(async () => (await exchange(token)).statusCode, { timeout: 10_000 })
        .toBe(503)
    } finally {
      await github.start()
    }
  })
})

it('nobody else can make a token that is called like one', async () => {
  const body = { name: 'github-actions acme/shop 1.1 x', roles: ['viewer'] }
  expect((await test.request('POST', '/v1/tokens', { body })).statusCode).toBe(409)
})

it('without rules, no job is let in', async () => {
  const own = await startSignInApp({ issuer: test.issuer })
  try {
    const token = await idToken()
    const answer = await own.request('POST', '/v1/sign-in/github-actions', { body: { token } })
    expect(answer.statusCode).toBe(403)
  } finally {
    await own.close()
  }
})

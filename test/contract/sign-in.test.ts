import type { ListAuditResponse } from '@slipway/contract/access'
import type { Session, SignInConfiguration } from '@slipway/contract/sign-in'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openBrowser } from '../support/cookie-browser.ts'
import { ada } from '../support/oidc-issuer.ts'
import { type SignInApp, startSignInApp } from '../support/sign-in-app.ts'

let test: SignInApp
beforeAll(async () => void (test = await startSignInApp()))
afterAll(() => test.close())
afterEach(() => void (test.issuer.account = ada))

const cookie = 'slipway-session'

describe('GET /v1/sign-in/configuration', () => {
  it('says how to get in', async () => {
    const answer = await test.request('GET', '/v1/sign-in/configuration', { token: null })
    expect(answer.json<SignInConfiguration>()).toEqual({
      browser: { token: true, oidc: { url: '/v1/sign-in', issuer: test.issuer.issuer } },
      device: {
        issuer: test.issuer.issuer,
        client_id: 'slipway-cli',
        scope: 'openid profile email',
      },
      github_actions: null,
    })
  })
})

describe('a browser', () => {
  it('is signed in by the issuer, and comes back to where it was', async () => {
    const { browser, url } = await test.signIn('/runs/7?tab=logs')
    expect(url.href).toBe(`${test.url}/runs/7?tab=logs`)
    expect(browser.given.at(-1)).toMatch(
      /^slipway-session=[0-9A-Za-z]{43}; Path=\/; Max-Age=25\d{5}; HttpOnly; SameSite=Lax$/,
    )
    expect(browser.cookie('slipway-sign-in')).toBeUndefined()
    const answer = await test.page(browser, 'GET', '/v1/session')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const session = (await answer.json()) as Session
    expect(session).toEqual({
      id: `${test.issuer.issuer}|${ada.sub}`,
      name: 'ada@example.com',
      roles: ['developer'],
      permissions: expect.arrayContaining(['runs:create', 'runs:read']) as unknown,
      repositories: null,
      expires_at: expect.any(String) as unknown,
      session: {
        method: 'oidc',
        created_at: expect.any(String) as unknown,
        idle_expires_at: expect.any(String) as unknown,
        csrf_token: expect.stringMatching(/^[\w-]{43}$/) as unknown,
      },
    })
    expect(session.permissions).not.toContain('tokens:manage')
    expect(session.permissions).toEqual(session.permissions.toSorted())
    const days = (Date.parse(session.expires_at ?? '') - Date.now()) / 86_400_000
    expect(Math.round(days)).toBe(30)
  })

  it('proves to the issuer that it began, and asks for nobody else', async () => {
    const answer = await openBrowser().request(`${test.url}/v1/sign-in`)
    expect(answer.status).toBe(303)
    const { searchParams, origin, pathname } = new URL(answer.headers.get('location') ?? '')
    expect(`${origin}${pathname}`).toBe(`${test.issuer.issuer}/protocol/openid-connect/auth`)
    expect(Object.fromEntries(searchParams)).toEqual({
      client_id: 'slipway-web',
      response_type: 'code',
      redirect_uri: `${test.url}/v1/sign-in/callback`,
      scope: 'openid profile email',
      state: expect.stringMatching(/^\w{43}$/) as unknown,
      nonce: expect.stringMatching(/^\w{43}$/) as unknown,
      code_challenge: expect.stringMatching(/^[\w-]{43}$/) as unknown,
      code_challenge_method: 'S256',
    })
    expect(answer.headers.get('set-cookie')).toMatch(
      /^slipway-sign-in=[\w-]+; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax$/,
    )
  })

  it('is in the audit log when it comes in', async () => {
    await test.signIn()
    const { entries } = (await test.request('GET', '/v1/audit?limit=5')).json<ListAuditResponse>()
    expect(entries).toContainEqual(
      expect.objectContaining({
        actor: 'ada@example.com',
        action: 'GET /v1/sign-in/callback',
        resource: '/v1/sign-in/callback',
        outcome: 303,
      }),
    )
  })

  it('gets a new session with each sign-in, and the one before ends', async () => {
    const { browser } = await test.signIn()
    const first = browser.cookie(cookie) ?? ''
    await test.signIn('/', browser)
    expect(browser.cookie(cookie)).not.toBe(first)
    const old = openBrowser()
    old.setCookie(cookie, first)
    expect((await test.page(old, 'GET', '/v1/session')).status).toBe(401)
    expect((await test.page(browser, 'GET', '/v1/session')).status).toBe(200)
  })

  it('never takes over a session that somebody else planted', async () => {
    const planted = 'A'.repeat(43)
    const browser = openBrowser()
    browser.setCookie(cookie, planted)
    await test.signIn('/', browser)
    expect(browser.cookie(cookie)).not.toBe(planted)
    const other = openBrowser()
    other.setCookie(cookie, planted)
    expect((await test.page(other, 'GET', '/v1/session')).status).toBe(401)
  })

  it('keeps nothing of the session but its hash and what is sealed', async () => {
    const { browser } = await test.signIn()
    const { rows } = await test.database.pool.query(
      `select encode(sealed, 'escape') as sealed, encode(secret_sha256, 'hex') as hash from sessions`,
    )
    const stored = JSON.stringify(rows)
    expect(rows.length).toBeGreaterThan(0)
    expect(stored).not.toContain(browser.cookie(cookie) ?? '')
    expect(stored).not.toContain('eyJ')
    expect(test.logged.join('\n')).not.toContain(browser.cookie(cookie) ?? '')
    expect(test.logged.join('\n')).not.toMatch(/code=[^[]/)
  })

  it.each([
    'https://example.com/',
    '//example.com',
    '/\\example.com',
    '/.//example.com',
    'runs',
    'javascript:alert(1)',
    '',
  ])('is not sent to %j', async (returnTo) => {
    const query = new URLSearchParams({ return_to: returnTo })
    const answer = await openBrowser().request(`${test.url}/v1/sign-in?${query.toString()}`)
    expect(answer.status).toBe(400)
    const { error } = (await answer.json()) as { error: { details: { problems: object[] } } }
    expect(error.details.problems).toEqual([expect.objectContaining({ path: '/return_to' })])
  })

  it('comes back with the reason when somebody says no', async () => {
    test.issuer.account = null
    const browser = openBrowser()
    const back = await browser.goTo(`${test.url}/v1/sign-in?return_to=/board`, {
      until: `${test.url}/sign-in`,
    })
    expect(back.url.pathname + back.url.search).toBe(
      '/sign-in?sign_in_error=denied&return_to=%2Fboard',
    )
    expect(browser.cookie(cookie)).toBeUndefined()
  })
})

describe('GET /v1/sign-in/callback', () => {
  /** Goes to the issuer, and stops before it comes back. */
  async function begin() {
    const browser = openBrowser()
    const { url } = await browser.goTo(`${test.url}/v1/sign-in?return_to=/runs`, {
      until: `${test.url}/v1/sign-in/callback`,
    })
    return { browser, back: url }
  }
  const errorOf = (answer: Response) =>
    new URL(answer.headers.get('location') ?? '', test.url).searchParams.get('sign_in_error')

  it('takes an answer in the browser that asked only', async () => {
    const { back } = await begin()
    const victim = openBrowser()
    const answer = await victim.request(back)
    expect([answer.status, errorOf(answer)]).toEqual([303, 'expired'])
    expect(victim.cookie(cookie)).toBeUndefined()
  })

  it('takes no answer to another question of the same browser', async () => {
    const { browser, back } = await begin()
    await browser.request(`${test.url}/v1/sign-in`)
    expect(errorOf(await browser.request(back))).toBe('expired')
  })

  it('takes an answer once', async () => {
    const { browser, back } = await begin()
    const kept = browser.cookie('slipway-sign-in') ?? ''
    const answer = await browser.request(back)
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/runs'])
    browser.setCookie('slipway-sign-in', kept)
    expect(errorOf(await browser.request(back))).toBe('failed')
  })

  it.each<[string, (back: URL) => void, string]>([
    ['no state', (back) => back.searchParams.delete('state'), 'expired'],
    ['another state', (back) => back.searchParams.set('state', 'x'.repeat(43)), 'expired'],
    ['another code', (back) => back.searchParams.set('code', 'made-up'), 'failed'],
    ['no code', (back) => back.searchParams.delete('code'), 'failed'],
    ['another issuer', (back) => back.searchParams.set('iss', 'https://example.com'), 'failed'],
  ])('refuses %s', async (_what, change, error) => {
    const { browser, back } = await begin()
    change(back)
    expect(errorOf(await browser.request(back))).toBe(error)
    expect(browser.cookie(cookie)).toBeUndefined()
  })

  it('refuses a cookie that was tampered with, or is of nobody', async () => {
    for (const value of ['', 'AAAA', 'x'.repeat(400)]) {
      const { browser, back } = await begin()
      browser.setCookie('slipway-sign-in', value)
      expect(errorOf(await browser.request(back))).toBe('expired')
    }
  })

  it('comes back with the reason while the issuer is away', async () => {
    const { browser, back } = await begin()
    await test.issuer.stop()
    try {
      expect(errorOf(await browser.request(back))).toBe('unavailable')
    } finally {
      await test.issuer.start()
    }
  })
})

describe('without an issuer for browsers', () => {
  it('there is the way by tokens', async () => {
    const { issuer } = test
    const own = await startSignInApp({
      issuer,
      adjust: (config) => {
        if (config.signIn.oidc !== null) config.signIn.oidc.client = null
      },
    })
    try {
      for (const path of ['/v1/sign-in', '/v1/sign-in/callback?state=x&code=y']) {
        const answer = await own.request('GET', path, { token: null })
        expect(answer.statusCode).toBe(404)
      }
      const configuration = await own.request('GET', '/v1/sign-in/configuration', { token: null })
      expect(configuration.json()).toMatchObject({ browser: { token: true, oidc: null } })
    } finally {
      await own.close()
    }
  })
})

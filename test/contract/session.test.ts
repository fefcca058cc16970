import type { EndedSession, Session } from '@slipway/contract/sign-in'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBrowser } from '../support/cookie-browser.ts'
import { ada } from '../support/oidc-issuer.ts'
import { type SignInApp, startSignInApp } from '../support/sign-in-app.ts'

let test: SignInApp
beforeAll(async () => void (test = await startSignInApp()))
afterAll(() => test.close())

const cookie = 'slipway-session'
const sessionOf = async (browser: Parameters<SignInApp['page']>[0]) =>
  (await (await test.page(browser, 'GET', '/v1/session')).json()) as Session

describe('POST /v1/session', () => {
  const post = (body: unknown, headers: Record<string, string> = {}) => {
    const browser = openBrowser()
    return test
      .page(browser, 'POST', '/v1/session', { body, headers, csrf: null })
      .then(async (answer) => ({ browser, answer, body: (await answer.json()) as never }))
  }

  it('signs a browser in with a token', async () => {
    const token = await test.tokenFor(['viewer'], { repositories: ['acme/shop'] })
    const { browser, answer, body } = await post({ token })
    expect(answer.status).toBe(201)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(body).toMatchObject({
      roles: ['viewer'],
      repositories: ['acme/shop'],
      session: { method: 'token' },
    })
    expect(JSON.stringify(body)).not.toContain(token)
    expect(await sessionOf(browser)).toEqual(body)
  })

  it('signs a browser in with the administrator’s, and with an access token of the issuer', async () => {
    const { browser } = await post({ token: test.token })
    expect(await sessionOf(browser)).toMatchObject({ id: 'admin', roles: ['admin'] })
    const { body } = await post({ token: await test.issuer.sign() })
    expect(body).toMatchObject({ name: 'ada@example.com' })
  })

  it('ends with its token, at the latest', async () => {
    const expires_at = new Date(Date.now() + 3_600_000).toISOString()
    const token = await test.tokenFor(['admin'], { expires_at })
    const { browser, body } = await post({ token })
    expect(body).toMatchObject({ expires_at })
    const { id } = await sessionOf(browser)
    const gone = await test.page(browser, 'DELETE', `/v1/tokens/${id}`)
    expect(gone.status).toBe(204)
    expect((await test.page(browser, 'GET', '/v1/session')).status).toBe(401)
  })

  it.each(['slw_unknown', 'x', 'a.b.c'])('refuses the token %s', async (token) => {
    const { answer, body, browser } = await post({ token })
    expect(answer.status).toBe(401)
    expect(body).toMatchObject({ error: { code: 'authentication_failed' } })
    expect(browser.given).toEqual([])
  })

  it.each([{}, { token: '' }, { token: 1 }, { token: 'x', more: 1 }, []])(
    'refuses the body %j',
    async (body) => {
      expect((await post(body)).answer.status).toBe(400)
    },
  )

  it('is not for pages of other sites, nor for forms', async () => {
    const { answer } = await post({ token: test.token }, { origin: 'https://example.com' })
    expect(answer.status).toBe(403)
    const form = await openBrowser().request(`${test.url}/v1/session`, {
      method: 'POST',
      body: new URLSearchParams({ token: test.token }),
    })
    expect(form.status).toBe(415)
  })
})

describe('a session’s cookie', () => {
  it('stands for what its owner may do, and no more', async () => {
    const { browser } = await test.signIn()
    const list = await test.page(browser, 'GET', '/v1/tokens')
    expect(list.status).toBe(403)
    const ticket = await test.page(browser, 'POST', '/v1/tickets')
    expect(ticket.status).toBe(201)
  })

  it.each<[string, Record<string, string>, string | null | undefined]>([
    ['without a CSRF token', {}, null],
    ['with an empty one', {}, ''],
    ['with another’s', {}, 'A'.repeat(43)],
    ['from the page of another site', { origin: 'https://example.com' }, undefined],
    ['from a page of nobody', { origin: 'null' }, undefined],
    ['from another port', { origin: 'http://127.0.0.1:1' }, undefined],
  ])('changes nothing %s', async (_how, headers, csrf) => {
    const { browser } = await test.signIn()
    const answer = await test.page(browser, 'POST', '/v1/tickets', {
      headers,
      ...(csrf === undefined ? {} : { csrf }),
    })
    expect(answer.status).toBe(403)
    const { error } = (await answer.json()) as { error: { details: { reason: string } } }
    expect(['csrf', 'origin']).toContain(error.details.reason)
  })

  it('changes something for a program that says where from it need not', async () => {
    const { browser } = await test.signIn()
    const { session } = await sessionOf(browser)
    const answer = await browser.request(`${test.url}/v1/tickets`, {
      method: 'POST',
      headers: { 'x-csrf-token': session?.csrf_token ?? '' },
    })
    expect(answer.status).toBe(201)
  })

  it('is nothing beside a token', async () => {
    const { browser } = await test.signIn()
    const answer = await test.page(browser, 'GET', '/v1/session', {
      headers: { authorization: `Bearer ${test.token}` },
    })
    expect(await answer.json()).toMatchObject({ id: 'admin', session: null })
    const wrong = await test.page(browser, 'GET', '/v1/session', {
      headers: { authorization: 'Bearer slw_no' },
    })
    expect(wrong.status).toBe(401)
  })

  it.each(['/mcp', '/v2/'])('is nothing at %s', async (path) => {
    const { browser } = await test.signIn()
    const method = path === '/mcp' ? 'POST' : 'GET'
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
    const answer = await test.page(browser, method, path, method === 'POST' ? { body } : {})
    expect(answer.status).toBe(401)
  })

  it.each(['', 'x', 'A'.repeat(43), `${'A'.repeat(42)}'`, '%00'])(
    'is nothing as %j',
    async (value) => {
      const browser = openBrowser()
      browser.setCookie(cookie, value)
      expect((await test.page(browser, 'GET', '/v1/session')).status).toBe(401)
    },
  )

  it('makes tickets that end with the session', async () => {
    const { browser } = await test.signIn()
    const { ticket } = (await (await test.page(browser, 'POST', '/v1/tickets')).json()) as {
      ticket: string
    }
    await test.page(browser, 'DELETE', '/v1/session')
    const answer = await test.request('GET', `/v1/session?ticket=${ticket}`, { token: null })
    expect(answer.statusCode).toBe(401)
  })
})

describe('DELETE /v1/session', () => {
  it('ends the session here, and says where the issuer ends its own', async () => {
    const { browser } = await test.signIn()
    const copy = openBrowser()
    copy.setCookie(cookie, browser.cookie(cookie) ?? '')
    const answer = await test.page(browser, 'DELETE', '/v1/session')
    expect(answer.status).toBe(200)
    const { end_session_url } = (await answer.json()) as EndedSession
    expect(browser.cookie(cookie)).toBeUndefined()
    expect((await test.page(copy, 'GET', '/v1/session')).status).toBe(401)
    const ended = new URL(end_session_url ?? '')
    expect(ended.pathname).toBe('/realms/slipway/protocol/openid-connect/logout')
    const home = `${test.url}/`
    expect(ended.searchParams.get('post_logout_redirect_uri')).toBe(home)
    const asked = await browser.goTo(ended)
    expect(asked.status).toBe(200)
    expect(test.issuer.requests).toContain('POST /revoke')
  })

  it('ends one that was begun with a token, and needs no issuer', async () => {
    const browser = openBrowser()
    await test.page(browser, 'POST', '/v1/session', { body: { token: test.token }, csrf: null })
    const answer = await test.page(browser, 'DELETE', '/v1/session')
    expect(await answer.json()).toEqual({ end_session_url: null })
    expect((await test.page(browser, 'GET', '/v1/session')).status).toBe(401)
  })

  it('needs the CSRF token', async () => {
    const { browser } = await test.signIn()
    const answer = await test.page(browser, 'DELETE', '/v1/session', { csrf: null })
    expect(answer.status).toBe(403)
    expect((await test.page(browser, 'GET', '/v1/session')).status).toBe(200)
  })

  it('changes nothing where there is no session', async () => {
    const answer = await test.page(openBrowser(), 'DELETE', '/v1/session')
    expect([answer.status, await answer.json()]).toEqual([200, { end_session_url: null }])
  })
})

describe('GET /v1/session', () => {
  it('shows whose a token is', async () => {
    const expires_at = new Date(Date.now() + 60_000).toISOString()
    const token = await test.tokenFor(['viewer'], { expires_at, repositories: ['acme/shop'] })
    const answer = await test.request('GET', '/v1/session', { token })
    expect(answer.json()).toMatchObject({
      name: expect.stringMatching(/^token \d+$/) as unknown,
      roles: ['viewer'],
      repositories: ['acme/shop'],
      expires_at,
      session: null,
    })
  })

  it('shows whose an access token is, until its end', async () => {
    const exp = Math.floor(Date.now() / 1000) + 300
    const token = await test.issuer.sign({ exp })
    const session = (await test.request('GET', '/v1/session', { token })).json<Session>()
    expect(session.id).toBe(`${test.issuer.issuer}|${ada.sub}`)
    expect(Date.parse(session.expires_at ?? '')).toBe((exp + 60) * 1000)
  })
})

import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type CookieBrowser, openBrowser } from '../support/cookie-browser.ts'
import { ada, startIssuer } from '../support/oidc-issuer.ts'
import { type SignInApp, type SignInAppOptions, startSignInApp } from '../support/sign-in-app.ts'

afterEach(() => void vi.useRealTimers())

const hourMs = 3_600_000

async function start(options: SignInAppOptions = {}): Promise<SignInApp> {
  const app = await startSignInApp({
    ...options,
    adjust(config) {
      // As quick as can be: nothing is remembered of the database or of what was asked a moment ago.
      Object.assign(config.signIn.sessions, { cacheMs: 0 })
      Object.assign(config.signIn.oidc ?? {}, { cooldownMs: 0 })
      options.adjust?.(config)
    },
  })
  onTestFinished(() => app.close())
  return app
}

/** Lets so much time pass for the server and the issuer; the database has its own. */
function pass(ms: number): void {
  const now = Date.now()
  vi.useFakeTimers({ toFake: ['Date'] })
  vi.setSystemTime(now + ms)
}

const statusOf = async (app: SignInApp, browser: CookieBrowser) =>
  (await app.page(browser, 'GET', '/v1/session')).status
const refreshes = (app: SignInApp) =>
  app.issuer.requests.filter((request) => request === 'POST /token').length

describe('a session', () => {
  it('is renewed when its access token has ended', async () => {
    const app = await start()
    const { browser } = await app.signIn()
    const asked = refreshes(app)
    pass(2 * hourMs)
    const many = await Promise.all(Array.from({ length: 10 }, () => statusOf(app, browser)))
    expect(new Set(many)).toEqual(new Set([200]))
    expect(refreshes(app)).toBe(asked + 1)
    pass(2 * hourMs)
    expect(await statusOf(app, browser)).toBe(200)
    expect(refreshes(app)).toBe(asked + 2)
  })

  it('is renewed ahead of time while it is used', async () => {
    const app = await start()
    const { browser } = await app.signIn()
    const asked = refreshes(app)
    pass(hourMs - 30_000)
    expect(await statusOf(app, browser)).toBe(200)
    await expect.poll(() => refreshes(app)).toBe(asked + 1)
    expect(await statusOf(app, browser)).toBe(200)
  })

  it('has the roles that the issuer tells of when it is renewed', async () => {
    const app = await start()
    const { browser } = await app.signIn()
    const claims = { ...ada.claims, realm_access: { roles: ['viewer'] } }
    app.issuer.change({ ...ada, claims })
    pass(2 * hourMs)
    const answer = await app.page(browser, 'GET', '/v1/session')
    expect(await answer.json()).toMatchObject({ roles: ['viewer'] })
  })

  it('ends when the issuer does not let it go on', async () => {
    const app = await start()
    const { browser } = await app.signIn()
    app.issuer.revokeAll()
    expect(await statusOf(app, browser)).toBe(200)
    pass(2 * hourMs)
    expect(await statusOf(app, browser)).toBe(401)
    const { rows } = await app.database.pool.query('select id from sessions')
    expect(rows).toEqual([])
  })

  it('ends when it is not used', async () => {
    const app = await start({ env: { SLIPWAY_SESSION_IDLE: '3h' } })
    const { browser } = await app.signIn()
    for (let n = 0; n < 3; n++) {
      pass(2 * hourMs)
      expect(await statusOf(app, browser)).toBe(200)
      // It is written down beside the answer.
      await expect
        .poll(async () => {
          const { rows } = await app.database.pool.query('select ends_at from sessions')
          return (rows[0] as { ends_at: Date }).ends_at.getTime() - Date.now()
        })
        .toBeGreaterThan(2.9 * hourMs)
    }
    pass(3 * hourMs + 1000)
    expect(await statusOf(app, browser)).toBe(401)
  })

  it('ends after its lifetime, however it is used', async () => {
    const env = { SLIPWAY_SESSION_LIFETIME: '5h', SLIPWAY_SESSION_IDLE: '3h' }
    const app = await start({ env })
    const { browser } = await app.signIn()
    for (const status of [200, 200, 401]) {
      pass(2 * hourMs)
      expect(await statusOf(app, browser)).toBe(status)
    }
  })

  it('is swept when it has ended, and is one of a hundred of a person', async () => {
    const app = await start()
    await app.signIn()
    await app.database.pool.query(`update sessions set ends_at = now() - interval '1 second'`)
    const token = await app.tokenFor(['viewer'])
    for (let n = 0; n < 102; n++) {
      await app.page(openBrowser(), 'POST', '/v1/session', { body: { token }, csrf: null })
    }
    const { rows } = await app.database.pool.query('select count(*)::int as n from sessions')
    expect(rows).toEqual([{ n: 100 }])
  })

  it('is over where the key is lost that its tokens are sealed under', async () => {
    const app = await start()
    const { browser } = await app.signIn()
    await app.database.pool.query(`update sessions set sealed = 'nothing'`)
    expect(await statusOf(app, browser)).toBe(401)
  })
})

it('a ticket ends with the access token that it was made with', async () => {
  const app = await start()
  const token = await app.issuer.sign({ exp: Math.floor(Date.now() / 1000) - 30 })
  const ticket = async () =>
    (await app.request('POST', '/v1/tickets', { token })).json<{ ticket: string }>().ticket
  const [early, late] = [await ticket(), await ticket()]
  const spend = async (which: string) =>
    (await app.request('GET', `/v1/session?ticket=${which}`, { token: null })).statusCode
  expect(await spend(early)).toBe(200)
  pass(40_000)
  expect(await spend(late)).toBe(401)
})

describe('while the issuer is away', () => {
  it('sessions go on until their tokens end, and afterwards as soon as it is back', async () => {
    const app = await start()
    const { browser } = await app.signIn()
    await app.issuer.stop()
    expect(await statusOf(app, browser)).toBe(200)
    pass(2 * hourMs)
    expect(await statusOf(app, browser)).toBe(503)
    await app.issuer.start()
    pass(10_000)
    await expect.poll(() => statusOf(app, browser)).toBe(200)
  })

  it('a session can be ended all the same', async () => {
    const app = await start()
    const { browser } = await app.signIn()
    const csrf = await csrfOf(app, browser)
    await app.issuer.stop()
    const answer = await app.page(browser, 'DELETE', '/v1/session', { csrf })
    expect(answer.status).toBe(200)
    expect(await statusOf(app, browser)).toBe(401)
  })

  it('nobody is sent there', async () => {
    const issuer = await startIssuer()
    onTestFinished(() => issuer.close())
    await issuer.stop()
    const app = await start({ issuer })
    const answer = await openBrowser().request(`${app.url}/v1/sign-in?return_to=/board`)
    expect([answer.status, answer.headers.get('location')]).toEqual([
      303,
      '/sign-in?sign_in_error=unavailable&return_to=%2Fboard',
    ])
    expect((await app.request('GET', '/v1/session')).statusCode).toBe(200)
    const token = await issuer.sign()
    expect((await app.request('GET', '/v1/session', { token })).statusCode).toBe(503)
  })
})

describe('when the issuer’s keys are rotated', () => {
  it('sessions are renewed, and people come in by the new one', async () => {
    const app = await start()
    const { browser } = await app.signIn()
    await app.issuer.rotate({ keep: false })
    // Whoever comes in by the new key has the keys read again: the old one is gone.
    await app.signIn()
    expect(await statusOf(app, browser)).toBe(200)
  })
})

describe('two servers on one database', () => {
  it('renew a session once, and know each other’s', async () => {
    const one = await start()
    const other = await start({ issuer: one.issuer, databaseUrl: one.database.url })
    const { browser } = await one.signIn()
    const elsewhere = openBrowser()
    elsewhere.setCookie('slipway-session', browser.cookie('slipway-session') ?? '')
    expect(await statusOf(other, elsewhere)).toBe(200)
    const asked = refreshes(one)
    pass(2 * hourMs)
    const answers = await Promise.all([
      ...Array.from({ length: 5 }, () => statusOf(one, browser)),
      ...Array.from({ length: 5 }, () => statusOf(other, elsewhere)),
    ])
    expect(new Set(answers)).toEqual(new Set([200]))
    expect(refreshes(one)).toBe(asked + 1)
    await one.page(browser, 'DELETE', '/v1/session')
    expect(await statusOf(other, elsewhere)).toBe(401)
  })
})

describe('behind HTTPS', () => {
  it('cookies are bound to the host, and plain ones are nothing', async () => {
    const app = await start({ env: { SLIPWAY_PUBLIC_URL: 'https://slipway.example.com' } })
    const inject = (cookie: string) =>
      app.app.inject({
        method: 'GET',
        url: '/v1/session',
        headers: { host: 'slipway.example.com', cookie },
      })
    const made = await app.app.inject({
      method: 'POST',
      url: '/v1/session',
      headers: { host: 'slipway.example.com', origin: 'https://slipway.example.com' },
      payload: { token: app.token },
    })
    const header = String(made.headers['set-cookie'])
    expect(header).toMatch(/^__Host-slipway-session=\w{43}; Path=\/; .*; Secure$/)
    const value = /=(\w{43});/.exec(header)?.[1] ?? ''
    expect((await inject(`__Host-slipway-session=${value}`)).statusCode).toBe(200)
    expect((await inject(`slipway-session=${value}`)).statusCode).toBe(401)
    const begun = await app.app.inject({
      method: 'GET',
      url: '/v1/sign-in',
      headers: { host: 'slipway.example.com' },
    })
    expect(String(begun.headers['set-cookie'])).toMatch(/^__Host-slipway-sign-in=.*; Secure$/)
    expect(new URL(String(begun.headers.location)).searchParams.get('redirect_uri')).toBe(
      'https://slipway.example.com/v1/sign-in/callback',
    )
  })
})

describe('limits', () => {
  it('of sessions are their own', async () => {
    const app = await start({ rateLimits: { perSession: 5 } })
    const { browser } = await app.signIn()
    const answers = []
    for (let n = 0; n < 8; n++) answers.push(await statusOf(app, browser))
    expect(answers).toEqual([200, 200, 200, 200, 200, 429, 429, 429])
    const { browser: second } = await app.signIn()
    expect(await statusOf(app, second)).toBe(200)
    const token = await app.issuer.sign()
    expect((await app.request('GET', '/v1/session', { token })).statusCode).toBe(200)
  })

  it('of signing in are by address', async () => {
    const app = await start({ rateLimits: { signInsPerAddress: 3 } })
    const statuses = []
    for (let n = 0; n < 5; n++) {
      const body = { token: 'slw_wrong' }
      const answer = await app.request('POST', '/v1/session', { token: null, body })
      statuses.push(answer.statusCode)
    }
    expect(statuses).toEqual([401, 401, 401, 429, 429])
  })
})

async function csrfOf(app: SignInApp, browser: CookieBrowser): Promise<string> {
  const answer = await app.page(browser, 'GET', '/v1/session')
  return ((await answer.json()) as { session: { csrf_token: string } }).session.csrf_token
}

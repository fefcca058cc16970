import { io } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type CookieBrowser, openBrowser } from '../support/cookie-browser.ts'
import { startIssuer, type TestIssuer } from '../support/oidc-issuer.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { connectSocket } from '../support/socket-client.ts'

let issuer: TestIssuer
let server: TestServer
beforeAll(async () => {
  issuer = await startIssuer()
  server = await startTestServer({
    OIDC_ISSUER: issuer.issuer,
    OIDC_CLIENT_ID: 'slipway-web',
  })
  issuer.allow(server.url)
})
afterAll(async () => {
  await server.close()
  await issuer.close()
})

async function signIn(): Promise<CookieBrowser> {
  const browser = openBrowser()
  await browser.goTo(`${server.url}/v1/sign-in?return_to=/livez`)
  return browser
}

const cookieOf = (browser: CookieBrowser) =>
  `slipway-session=${browser.cookie('slipway-session') ?? ''}`

async function signOut(browser: CookieBrowser): Promise<void> {
  const answer = await browser.request(`${server.url}/v1/session`)
  const { session } = (await answer.json()) as { session: { csrf_token: string } }
  const headers = { 'x-csrf-token': session.csrf_token, origin: server.url }
  const ended = await browser.request(`${server.url}/v1/session`, { method: 'DELETE', headers })
  expect(ended.status).toBe(200)
}

describe('a server with an issuer', () => {
  it('takes API tokens and access tokens side by side', async () => {
    const token = await issuer.sign()
    expect(await server.json('GET', '/v1/session', { token })).toMatchObject({
      name: 'ada@example.com',
    })
    expect(await server.json('GET', '/v1/session')).toMatchObject({ name: 'admin' })
    const refused = await server.request('GET', '/v1/session', {
      token: await issuer.sign({ aud: 'others' }),
    })
    expect(refused.status).toBe(401)
  })

  it('believes a service account of the issuer about who caused a run, and no person', async () => {
    const body = {
      repository: 'acme/none',
      commit_sha: 'a'.repeat(40),
      branch: 'main',
      trigger_type: 'manual',
      triggered_by: 'somebody',
    }
    const byService = await issuer.ofWorker()
    const started = await server.json<{ id: string }>('POST', '/v1/runs', {
      body,
      token: byService,
    })
    const run = await server.json('GET', `/v1/runs/${started.id}`)
    expect(run).toMatchObject({ triggered_by: 'somebody' })
    const byPerson = await server.json<{ id: string }>('POST', '/v1/runs', {
      body: { ...body, branch: 'other' },
      token: await issuer.sign(),
    })
    expect(await server.json('GET', `/v1/runs/${byPerson.id}`)).toMatchObject({
      triggered_by: 'ada@example.com',
    })
  })

  it('goes on while the issuer is away, and takes known keys’ new tokens', async () => {
    await server.json('GET', '/v1/session', { token: await issuer.sign() })
    await issuer.stop()
    try {
      const token = await issuer.sign({ sub: 'somebody-else' })
      await server.json('GET', '/v1/session', { token })
      const health = await server.request('GET', '/health')
      expect(health.status).toBe(200)
    } finally {
      await issuer.start()
    }
  })
})

describe('a socket', () => {
  const at = () => `${server.url}/ws`

  it('is opened by a session at a page of ours, and ends with it', async () => {
    const browser = await signIn()
    const headers = { cookie: cookieOf(browser), origin: server.url }
    const client = await connectSocket(at(), { headers })
    await client.ask({ type: 'subscribe', channel: 'pipelines' }, 'phase2.subscribed')
    await signOut(browser)
    expect(await client.closed).toEqual({ code: 1008, reason: 'The token is no longer valid' })
  })

  it('is not opened by a session that comes from nowhere', async () => {
    const browser = await signIn()
    const headers = { cookie: cookieOf(browser) }
    await expect(connectSocket(at(), { headers })).rejects.toMatchObject({ status: 401 })
  })

  it('is not opened by a session at the page of another site', async () => {
    const browser = await signIn()
    const headers = { cookie: cookieOf(browser), origin: 'https://example.com' }
    const client = await connectSocket(at(), { headers })
    expect(await client.closed).toEqual({
      code: 1008,
      reason: 'Pages of other sites may not connect',
    })
  })

  it('is not opened by a session that has ended', async () => {
    const browser = await signIn()
    const headers = { cookie: cookieOf(browser), origin: server.url }
    await signOut(browser)
    await expect(connectSocket(at(), { headers })).rejects.toMatchObject({ status: 401 })
  })

  it.each(['websocket', 'polling'])(
    'of socket.io is opened by a session, over %s',
    async (transport) => {
      const browser = await signIn()
      const socket = io(server.url, {
        transports: [transport],
        reconnection: false,
        forceNew: true,
        extraHeaders: { cookie: cookieOf(browser), origin: server.url },
      })
      onTestFinished(() => void socket.disconnect())
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve)
        socket.once('connect_error', reject)
      })
      const left = new Promise<string>((resolve) => socket.once('disconnect', resolve))
      await signOut(browser)
      expect(await left).toBe('io server disconnect')
    },
  )

  it('of socket.io is not opened by a session that a page of nobody has sent along', async () => {
    const browser = await signIn()
    const socket = io(server.url, {
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
      extraHeaders: { cookie: cookieOf(browser) },
    })
    onTestFinished(() => void socket.disconnect())
    const error = await new Promise<Error>((resolve, reject) => {
      socket.once('connect', () => reject(new Error('it was let in')))
      socket.once('connect_error', resolve)
    })
    expect(error.message).toContain('token')
  })
})

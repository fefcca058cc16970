import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Permission, permissions } from '../../packages/server/src/access/index.ts'
import { permissionsOfRole } from '../../packages/server/src/access/permissions.ts'
import { listRoutes } from '../../packages/server/src/http/route-list.ts'
import {
  isOpen,
  permissionOf,
  routeGuards,
  takesPasswords,
} from '../../packages/server/src/http/route-permissions.ts'
import Fastify from 'fastify'
import { type TestApp, createTestApp } from '../support/http.ts'

let test: TestApp
beforeAll(async () => void (test = await createTestApp()))
afterAll(() => test.close())

const entries = Object.entries(routeGuards).map(([entry, guard]) => {
  const [method = '', pattern = ''] = entry.split(' ')
  const url = pattern
    .replace(':id', '0198c5a2-8d4e-7c3a-9f10-000000000001')
    .replace(':file', 'start.js')
    .replace(':repo', 'acme%2Fshop')
  return { entry, method, url, guard, permission: permissionOf(guard) }
})
/** Those that look for a signature of the body themselves. */
const ofGithub = ({ url }: { url: string }) => url.endsWith('/webhooks/github')
/** Those between servers, which take no token at all. */
const betweenServers = ({ guard }: { guard: unknown }) =>
  typeof guard === 'object' && guard !== null && 'signedBy' in guard
const guarded = entries.filter((route) => !isOpen(route.guard) && !betweenServers(route))
/** Those whose refusals have the error bodies of `/v1`; the other families have their own. */
const ofPlatform = ({ url }: { url: string }) => url.startsWith('/v1/')
const permitted = guarded.filter(
  (route): route is typeof route & { permission: Permission } => route.permission !== null,
)
const rolesWithout = (permission: Permission) =>
  Object.entries(permissionsOfRole)
    .filter(([, has]) => !has.has(permission))
    .map(([role]) => role)

describe('every route of the table', () => {
  it.each(guarded.filter(ofPlatform))(
    '$entry refuses a request without a token',
    async ({ method, url }) => {
      const answer = await test.request(method, url, { token: null })
      expect(answer.statusCode).toBe(401)
      expect(answer.headers['www-authenticate']).toBe('Bearer')
      expect(answer.json()).toEqual({
        error: { code: 'authentication_failed', message: 'This needs a bearer token' },
      })
    },
  )

  it.each(entries.filter(betweenServers))(
    '$entry refuses whatever no server has signed, an administrator too',
    async ({ method, url }) => {
      for (const token of [null, test.token]) {
        const answer = await test.request(method, url, { token })
        expect(answer.statusCode).toBe(401)
        expect(answer.json().error.code).toBe('authentication_failed')
      }
    },
  )

  it.each(guarded)('$entry refuses an unknown token', async ({ method, url, guard }) => {
    const answer = await test.request(method, url, { token: `slw_${'a'.repeat(40)}` })
    expect(answer.statusCode).toBe(401)
    const challenge = takesPasswords(guard) ? 'Basic realm="Slipway", charset="UTF-8"' : 'Bearer'
    expect(answer.headers['www-authenticate']).toBe(challenge)
    if (!ofPlatform({ url })) return
    expect(answer.json().error.code).toBe('authentication_failed')
  })

  it.each(guarded)('$entry refuses a signature that is not ours', async ({ method, url }) => {
    const answer = await test.request(method, `${url}?expires=9999999999&signature=AAAA`, {
      token: null,
    })
    expect(answer.statusCode).toBe(401)
  })

  // What every role may do has nobody to refuse.
  it.each(permitted.filter(({ permission }) => rolesWithout(permission).length > 0))(
    '$entry refuses roles without $permission',
    async ({ method, url, permission }) => {
      for (const role of rolesWithout(permission)) {
        const answer = await test.request(method, url, { token: await test.tokenFor([role]) })
        expect(answer.statusCode, role).toBe(403)
        if (!ofPlatform({ url })) continue
        expect(answer.json().error).toMatchObject({
          code: 'authorization_failed',
          details: { permission },
        })
      }
    },
  )

  // What polls is answered by sockets, which are not here.
  const ofSockets = ({ url }: { url: string }) => url.startsWith('/socket.io')
  // The dashboard has not been built for these tests; test/web has one that was.
  const ofDashboard = ({ url }: { url: string }) =>
    !/^\/(v1|api|docs|openapi|health|livez|readyz|socket\.io)/.test(url)
  const open = entries.filter((route) => route.guard === 'public' && !ofGithub(route))
  it.each(open.filter((route) => !ofSockets(route) && !ofDashboard(route)))(
    '$entry answers anybody',
    async ({ method, url }) => {
      const answer = await test.request(method, url, { token: null })
      expect(answer.statusCode).toBe(200)
    },
  )

  it('GET /help leads anybody to the manual', async () => {
    const { statusCode, headers } = await test.request('GET', '/help', { token: null })
    expect([statusCode, headers.location]).toEqual([302, '/help/'])
  })

  const built = open.filter((route) => ofDashboard(route) && route.url !== '/help')
  it.each(built)('$entry has no dashboard to show', async ({ method, url }) => {
    const answer = await test.request(method, url, { token: null })
    expect(answer.statusCode).toBe(404)
    expect(answer.json().error.message).toContain('npm run build')
  })

  it.each(open.filter(ofSockets))('$entry lets anybody ask', async ({ method, url }) => {
    const answer = await test.request(method, url, { token: null })
    expect(answer.statusCode).toBe(503)
  })
})

describe('the table of route permissions', () => {
  it('uses every permission there is', () => {
    expect(new Set(permitted.map(({ permission }) => permission))).toEqual(new Set(permissions))
  })

  it('opens nothing below /v1 to everybody but the ways in, which are counted', () => {
    const counted = entries.filter(({ guard }) => guard === 'sign-in')
    expect(counted.map(({ entry }) => entry)).toEqual([
      'POST /v1/session',
      'DELETE /v1/session',
      'GET /v1/sign-in',
      'GET /v1/sign-in/configuration',
      'GET /v1/sign-in/callback',
      'POST /v1/sign-in/github-actions',
    ])
    const open = entries.filter(({ guard, url }) => guard === 'public' && url.startsWith('/v1'))
    expect(open.filter((route) => !ofGithub(route))).toEqual([])
  })

  it('stops the start where it lacks a route', async () => {
    const app = Fastify()
    listRoutes(app, { 'GET /known': 'public' }, () => {})
    app.get('/known', async () => 'x')
    expect(() => app.post('/known', async () => 'x')).toThrow('lacks POST /known')
    await app.close()
  })

  it('stops the start where it names what is no route', async () => {
    const app = Fastify()
    listRoutes(app, { 'GET /known': 'public', 'GET /gone': 'public' }, () => {})
    app.get('/known', async () => 'x')
    await expect(app.ready()).rejects.toThrow('no route: GET /gone')
    await app.close()
  })
})

// Whatever is sent, an answer is never a 500: what cannot be stored or looked for is refused by name.
import type { CreatedToken } from '@slipway/contract/access'
import type { PlatformError } from '@slipway/contract/errors'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let worker: string
beforeAll(async () => {
  server = await startTestServer()
  const body = { name: 'worker', roles: ['service-account'] }
  worker = (await server.json<CreatedToken>('POST', '/v1/tokens', { body })).token
})
afterAll(() => server.close())

const id = '018f0000-0000-7000-8000-000000000000'
const run = {
  repository: 'acme/shop',
  branch: 'main',
  commit_sha: 'abc123def456',
  trigger_type: 'push',
}
const token = { name: 'ci', roles: ['viewer'] }
const badTexts = ['a\u0000b', 'a\ud800b', '\udc00']

async function refusal(method: string, path: string, body?: unknown) {
  const response = await server.request(method, path, {
    token: method === 'PUT' ? worker : server.token,
    signal: AbortSignal.timeout(2_000),
    ...(body === undefined ? {} : { body }),
  })
  const { error } = (await response.json()) as PlatformError
  const problems = error.details?.problems as { path: string }[] | undefined
  return { status: response.status, code: error.code, path: problems?.[0]?.path }
}

const invalid = (field: string) => ({ status: 400, code: 'invalid_request', path: `/${field}` })

describe('a text that holds NUL or half a surrogate pair', () => {
  it.each([
    ['POST', '/v1/runs', 'branch', run],
    ['POST', '/v1/runs', 'triggered_by', run],
    ['POST', '/v1/tokens', 'name', token],
    ['PUT', `/v1/tasks/${id}/status`, 'error', { status: 'failed' }],
    ['PUT', `/v1/steps/${id}/status`, 'logs_s3_key', { status: 'running' }],
  ])('is refused by %s %s as %s', async (method, path, field, body) => {
    for (const text of badTexts) {
      expect(await refusal(method, path, { ...body, [field]: text })).toEqual(invalid(field))
    }
  })

  it('is refused in a query', async () => {
    expect(await refusal('GET', '/v1/runs?repository=acme/shop&branch=%00')).toEqual(
      invalid('branch'),
    )
  })

  it('is not what a whole pair is', async () => {
    const body = { ...token, name: 'deploy 🚀' }
    expect(await server.json('POST', '/v1/tokens', { body })).toMatchObject({ name: body.name })
  })
})

describe('a branch that git would refuse', () => {
  it.each(['a..b', '-x', 'a~1', '@', 'a.lock'])('%s is refused in the list too', async (branch) => {
    const query = new URLSearchParams({ repository: 'acme/shop', branch }).toString()
    expect(await refusal('GET', `/v1/runs?${query}`)).toEqual(invalid('branch'))
  })
})

describe('a number that is no position', () => {
  it.each([
    ['/v1/audit?before=', 'before'],
    ['/v1/events?after=', 'after'],
    ['/v1/events?last=', 'last'],
    [`/v1/steps/${id}/logs?after=`, 'after'],
    ['/v1/runs?repository=acme/shop&offset=', 'offset'],
    ['/v1/tokens?offset=', 'offset'],
  ])('%s is refused', async (path, field) => {
    for (const number of ['1e30', '9007199254740992', '-1']) {
      expect(await refusal('GET', path + number)).toEqual(invalid(field))
    }
  })
})

describe('a repository', () => {
  it.each(['acme/.', 'acme/..', '../shop', 'acme/', 'a/b/c'])('%s is refused', async (name) => {
    expect(await refusal('POST', '/v1/runs', { ...run, repository: name })).toEqual(
      invalid('repository'),
    )
  })

  it.each(['acme/...', 'acme/.github', 'acme/..a', 'acme/a.'])('%s is a name', async (name) => {
    const path = `/v1/runs?repository=${encodeURIComponent(name)}`
    expect((await server.request('GET', path)).status).toBe(200)
  })
})

describe('an id', () => {
  it.each([
    ['GET', `/v1/runs/urn:uuid:${id}`, 'id'],
    ['DELETE', `/v1/tokens/urn:uuid:${id}`, 'id'],
    ['GET', `/v1/events?run_id=urn:uuid:${id}`, 'run_id'],
  ])('with a prefix is refused by %s %s', async (method, path, field) => {
    expect(await refusal(method, path)).toEqual(invalid(field))
  })
})

describe('an instant', () => {
  it.each(['2030-12-31T23:59:60Z', '2000-01-01T00:00:00Z', 'tomorrow'])(
    'that is none, or past, is refused: %s',
    async (expires_at) => {
      expect(await refusal('POST', '/v1/tokens', { ...token, expires_at })).toEqual(
        invalid('expires_at'),
      )
    },
  )
})

// New secrets of tokens, and the role of workers.
import { randomUUID } from 'node:crypto'
import type { CreatedToken } from '@slipway/contract/access'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestApp, createTestApp } from '../support/http.ts'

let test: TestApp
beforeAll(async () => void (test = await createTestApp()))
afterAll(() => test.close())

const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString()
const newName = () => `n-${randomUUID()}`
const create = (body: object) => test.request('POST', '/v1/tokens', { body })

describe('the role worker', () => {
  it('is not limited to repositories', async () => {
    const body = { name: newName(), roles: ['worker'], repositories: ['acme/shop'] }
    const answer = await create(body)
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toMatchObject({
      error: { code: 'invalid_request', details: { problems: [{ path: '/repositories' }] } },
    })
  })

  it('reads nothing', async () => {
    const token = await test.tokenFor(['worker'])
    for (const path of ['/v1/runs', '/v1/events', '/v1/workers', '/v1/tokens']) {
      expect((await test.request('GET', path, { token })).statusCode, path).toBe(403)
    }
  })
})

describe('POST /v1/tokens/{id}/rotate', () => {
  const rotate = (id: string, body: object = {}, token?: string) =>
    test.request('POST', `/v1/tokens/${id}/rotate`, {
      body,
      ...(token === undefined ? {} : { token }),
    })
  const made = async (more: object = {}) =>
    (await create({ name: newName(), roles: ['viewer'], ...more })).json<CreatedToken>()
  const opens = async (token: string) =>
    (await test.request('GET', '/v1/session', { token })).statusCode

  it('answers a new secret, keeps everything else, and ends the one before at once', async () => {
    const { token, ...before } = await made({
      repositories: ['acme/shop'],
      expires_at: inAnHour(),
    })
    expect(await opens(token)).toBe(200)
    const answer = await rotate(before.id)
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['cache-control']).toBe('no-store')
    const { token: next, ...after } = answer.json<CreatedToken>()
    expect(after).toEqual(before)
    expect(next).toMatch(/^slw_[0-9A-Za-z]{40}$/)
    expect(next).not.toBe(token)
    expect([await opens(token), await opens(next)]).toEqual([401, 200])
  })

  it('takes a new end, or none', async () => {
    const { id } = await made({ expires_at: inAnHour() })
    expect((await rotate(id, { expires_at: null })).json()).toMatchObject({ expires_at: null })
    const expires_at = inAnHour()
    expect((await rotate(id, { expires_at })).json()).toMatchObject({ expires_at })
    const past = await rotate(id, { expires_at: '2020-01-01T00:00:00Z' })
    expect(past.statusCode).toBe(400)
    expect(past.json()).toMatchObject({
      error: { details: { problems: [{ path: '/expires_at' }] } },
    })
  })

  it('asks for an end where the last one is over', async () => {
    const { id } = await made({ expires_at: inAnHour() })
    await test.database.pool.query(`update tokens set expires_at = now() where id = $1`, [id])
    expect((await rotate(id)).statusCode).toBe(409)
    expect((await rotate(id, { expires_at: null })).statusCode).toBe(200)
  })

  it('knows no token that was revoked, does not exist, or sees more', async () => {
    const { id } = await made()
    const limited = await test.tokenFor(['admin'], { repositories: ['acme/shop'] })
    expect((await rotate(id, {}, limited)).statusCode).toBe(404)
    expect((await rotate(randomUUID())).statusCode).toBe(404)
    await test.request('DELETE', `/v1/tokens/${id}`)
    expect((await rotate(id)).statusCode).toBe(404)
  })

  it('refuses what an exchange has made', async () => {
    const { id } = await made()
    await test.database.pool.query(`update tokens set name = 'github-actions 7' where id = $1`, [
      id,
    ])
    expect((await rotate(id)).statusCode).toBe(409)
  })
})

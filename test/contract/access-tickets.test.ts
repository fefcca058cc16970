import type { CreatedTicket, CreatedToken } from '@slipway/contract/access'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestApp, createTestApp } from '../support/http.ts'

let test: TestApp
beforeAll(async () => void (test = await createTestApp()))
afterAll(() => test.close())

async function newTicket(token?: string): Promise<CreatedTicket> {
  const answer = await test.request('POST', '/v1/tickets', token === undefined ? {} : { token })
  expect(answer.statusCode).toBe(201)
  expect(answer.headers['cache-control']).toBe('no-store')
  return answer.json<CreatedTicket>()
}
const audit = (query: string) => test.request('GET', `/v1/audit?${query}`, { token: null })

describe('POST /v1/tickets', () => {
  it('answers a ticket that lasts a minute', async () => {
    const before = Date.now()
    const ticket = await newTicket()
    expect(Object.keys(ticket)).toEqual(['ticket', 'expires_at'])
    expect(ticket.ticket).toMatch(/^[0-9A-Za-z]{43}$/)
    const lifetime = Date.parse(ticket.expires_at) - before
    expect(lifetime).toBeGreaterThanOrEqual(60_000)
    expect(lifetime).toBeLessThan(65_000)
  })

  it('is for every role', async () => {
    for (const role of ['viewer', 'service-account']) await newTicket(await test.tokenFor([role]))
  })

  it('sweeps tickets that have expired', async () => {
    await newTicket()
    await test.database.pool.query(`update tickets set expires_at = now() - interval '1 second'`)
    await newTicket()
    const { rows } = await test.database.pool.query('select count(*)::int as n from tickets')
    expect(rows).toEqual([{ n: 1 }])
  })
})

describe('?ticket=', () => {
  it('stands for the token once', async () => {
    const { ticket } = await newTicket()
    expect((await audit(`ticket=${ticket}`)).statusCode).toBe(200)
    const again = await audit(`ticket=${ticket}`)
    expect(again.statusCode).toBe(401)
    expect(again.json().error.message).toContain('ticket')
  })

  it('lets exactly one of many at once through', async () => {
    const { ticket } = await newTicket()
    const answers = await Promise.all(Array.from({ length: 8 }, () => audit(`ticket=${ticket}`)))
    expect(answers.filter(({ statusCode }) => statusCode === 200)).toHaveLength(1)
  })

  it('may do what its token may, and no more', async () => {
    const { ticket } = await newTicket(await test.tokenFor(['viewer']))
    expect((await audit(`ticket=${ticket}`)).statusCode).toBe(403)
  })

  it('has expired after its minute', async () => {
    const { ticket } = await newTicket()
    await test.database.pool.query(`update tickets set expires_at = now()`)
    expect((await audit(`ticket=${ticket}`)).statusCode).toBe(401)
  })

  it('ends with its token', async () => {
    const body = { name: 'short-lived', roles: ['admin'] }
    const made = await test.request('POST', '/v1/tokens', { body })
    const { id, token } = made.json<CreatedToken>()
    const { ticket } = await newTicket(token)
    await test.request('DELETE', `/v1/tokens/${id}`)
    expect((await audit(`ticket=${ticket}`)).statusCode).toBe(401)
  })

  it('changes nothing', async () => {
    const { ticket } = await newTicket()
    const body = { name: 'by ticket', roles: ['viewer'] }
    const answer = await test.request('POST', `/v1/tokens?ticket=${ticket}`, { body, token: null })
    expect(answer.statusCode).toBe(401)
    expect((await audit(`ticket=${ticket}`)).statusCode).toBe(200)
  })

  it('is not spent where a token was sent too', async () => {
    const { ticket } = await newTicket()
    expect((await test.request('GET', `/v1/audit?ticket=${ticket}`)).statusCode).toBe(200)
    expect((await audit(`ticket=${ticket}`)).statusCode).toBe(200)
  })

  it.each(['', 'x', 'a&ticket=b'])('refuses ?ticket=%s', async (ticket) => {
    expect((await audit(`ticket=${ticket}`)).statusCode).toBe(401)
  })

  it('is kept out of the log and the database', async () => {
    const { ticket } = await newTicket()
    const { rows } = await test.database.pool.query('select * from tickets')
    await audit(`ticket=${ticket}`)
    expect(test.logged.join('')).not.toContain(ticket)
    expect(JSON.stringify(rows)).not.toContain(ticket)
  })
})

import { randomUUID } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createToken, revokeToken } from '../../packages/server/src/access/index.ts'
import { openApiTokens } from '../../packages/server/src/adapters/identity/api-tokens.ts'
import type { Principal } from '../../packages/server/src/ports/identity.ts'
import { type TestDatabase, createTestDatabase } from '../support/database.ts'

let database: TestDatabase
beforeAll(async () => void (database = await createTestDatabase()))
afterAll(() => database.close())

const admin: Principal = { id: 'admin', name: 'admin', roles: ['admin'], repositories: null }
const adminToken = 'an-admin-token-for-tests'

function open(options: { cacheMs?: number; lastUseMs?: number } = {}) {
  const onError = (error: unknown) => {
    throw error
  }
  const identity = openApiTokens({ db: database.db, onError }, { adminToken, ...options })
  onTestFinished(() => identity.close())
  return identity
}

const make = (more: object = {}) =>
  createToken(database, {
    principal: admin,
    request: { name: randomUUID(), roles: ['developer'], ...more },
  })
const revoke = (id: string, forgetToken: (id: string) => void = () => {}) =>
  revokeToken({ db: database.db, forgetToken }, { principal: admin, id })
const lastUse = async (id: string) => {
  const { rows } = await database.pool.query('select last_used_at from tokens where id = $1', [id])
  return rows[0].last_used_at as Date | null
}

describe('the identity of API tokens', () => {
  it('knows a token by its secret', async () => {
    const { id, name, token } = await make({ repositories: ['acme/shop'] })
    expect(await open().authenticate(token)).toEqual({
      id,
      name,
      roles: ['developer'],
      repositories: ['acme/shop'],
    })
  })

  it('knows the administrator without asking the database', async () => {
    const gone = await createTestDatabase()
    const identity = openApiTokens({ db: gone.db, onError: () => {} }, { adminToken })
    await gone.close()
    expect(await identity.authenticate(adminToken)).toEqual(admin)
    expect(await identity.authenticate(`${adminToken}x`)).toBeNull()
    await expect(identity.authenticate(`slw_${'x'.repeat(40)}`)).rejects.toThrow('pool')
  })

  it('does not know what is not a token, another’s secret or a hash', async () => {
    const { token } = await make()
    const identity = open()
    const { rows } = await database.pool.query(
      `select encode(secret_sha256, 'hex') as hash from tokens`,
    )
    for (const bearer of [
      '',
      'slw_',
      token.slice(0, -1),
      token.toUpperCase(),
      rows[0].hash as string,
    ]) {
      expect(await identity.authenticate(bearer)).toBeNull()
    }
  })

  it('asks once for many requests at once, and not again while it remembers', async () => {
    const { token } = await make()
    let asked = 0
    const counting = database.db.withPlugin({
      transformQuery: ({ node }) => (asked++, node),
      transformResult: async ({ result }) => result,
    })
    const identity = openApiTokens(
      { db: counting, onError: () => {} },
      { adminToken, lastUseMs: 60_000 },
    )
    await Promise.all(Array.from({ length: 20 }, () => identity.authenticate(token)))
    await identity.authenticate(token)
    expect(asked).toBe(1)
  })

  it('ends a revoked token at once here, and elsewhere when its memory is stale', async () => {
    const { id, token } = await make()
    const here = open()
    const elsewhere = open({ cacheMs: 50 })
    await Promise.all([here.authenticate(token), elsewhere.authenticate(token)])
    await revoke(id, here.forget)
    expect(await here.authenticate(token)).toBeNull()
    await expect.poll(() => elsewhere.authenticate(token)).toBeNull()
  })

  it('does not believe again what was looked up before a token was forgotten', async () => {
    const { id, token } = await make()
    const steps = new EventEmitter()
    let held = true
    const slow = database.db.withPlugin({
      transformQuery: ({ node }) => node,
      async transformResult({ result }) {
        if (!held) return result
        const released = once(steps, 'release')
        steps.emit('read')
        await released
        return result
      },
    })
    const identity = openApiTokens(
      { db: slow, onError: () => {} },
      { adminToken, lastUseMs: 60_000 },
    )
    const read = once(steps, 'read')
    const early = identity.authenticate(token)
    await read
    await revoke(id, identity.forget)
    held = false
    expect(await identity.authenticate(token)).toBeNull()
    steps.emit('release')
    expect((await early)?.id).toBe(id)
    expect(await identity.authenticate(token)).toBeNull()
  })

  it('ignores roles that this version does not know', async () => {
    const { id, token } = await make()
    await database.pool.query(
      `update tokens set roles = '{viewer,__proto__,emperor}' where id = $1`,
      [id],
    )
    expect((await open().authenticate(token))?.roles).toEqual(['viewer'])
  })

  it('writes the last use later, for many requests at once, and at the close', async () => {
    const { id, token } = await make()
    const identity = open({ lastUseMs: 60_000 })
    const before = Date.now()
    await identity.authenticate(token)
    expect(await lastUse(id)).toBeNull()
    await identity.close()
    expect((await lastUse(id))?.getTime()).toBeGreaterThanOrEqual(before)
  })

  it('writes the last use by itself', async () => {
    const { id, token } = await make()
    await open({ lastUseMs: 10 }).authenticate(token)
    await expect.poll(() => lastUse(id)).not.toBeNull()
  })
})

import { Health } from '@slipway/contract/health'
import Value from 'typebox/value'
import { afterEach, describe, expect, it } from 'vitest'
import { createHealthCheck } from '../../packages/server/src/http/system/check-health.ts'
import { type TestApp, createTestApp } from '../support/http.ts'

let test: TestApp | undefined
afterEach(async () => {
  await test?.close()
  test = undefined
})
const pass = async () => {}
const fail = async () => {
  throw new Error('the password is hunter2')
}
const get = (path: string) => {
  if (test === undefined) throw new Error('not started')
  return test.request('GET', path, { token: null })
}

describe('GET /health', () => {
  it('is 200 with every check by name when all pass', async () => {
    test = await createTestApp({
      checkHealth: createHealthCheck({ database: pass, job_bus: pass }),
    })
    const answer = await get('/health')
    expect(answer.statusCode).toBe(200)
    const health = answer.json<Health>()
    expect(health).toEqual({
      status: 'healthy',
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      checks: { database: 'pass', job_bus: 'pass' },
    })
    expect(Value.Check(Health, health)).toBe(true)
  })

  it('is 503 when one fails, and does not say why', async () => {
    test = await createTestApp({
      checkHealth: createHealthCheck({ database: fail, job_bus: pass }),
    })
    const answer = await get('/health')
    expect(answer.statusCode).toBe(503)
    expect(answer.json()).toMatchObject({
      status: 'unhealthy',
      checks: { database: 'fail', job_bus: 'pass' },
    })
    expect(answer.body).not.toContain('hunter2')
  })

  it('is 503, and the server is ready all the same, while only the job bus is away', async () => {
    const options = { degrading: ['job_bus'], cacheMs: 0 }
    let database = pass
    test = await createTestApp({
      checkHealth: createHealthCheck({ database: () => database(), job_bus: fail }, options),
    })
    const health = await get('/health')
    expect([health.statusCode, health.json<Health>().status]).toEqual([503, 'degraded'])
    expect(Value.Check(Health, health.json())).toBe(true)
    const ready = await get('/readyz')
    expect([ready.statusCode, ready.json<Health>().status]).toEqual([200, 'degraded'])
    database = fail
    const gone = await get('/readyz')
    expect([gone.statusCode, gone.json<Health>().status]).toEqual([503, 'unhealthy'])
  })

  it('really asks the database', async () => {
    const own = await createTestApp()
    test = own
    const { pool } = own.database
    const database = async () => void (await pool.query('select 1'))
    const checked = await createTestApp({
      checkHealth: createHealthCheck({ database }, { cacheMs: 0 }),
    })
    try {
      expect((await checked.request('GET', '/health')).statusCode).toBe(200)
      await pool.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()',
      )
      await own.database.close()
      expect((await checked.request('GET', '/health')).statusCode).toBe(503)
    } finally {
      await checked.close()
      test = undefined
      await own.app.close()
    }
  })
})

describe('GET /livez and /readyz', () => {
  it('are alive, but not ready, while a part fails', async () => {
    test = await createTestApp({ checkHealth: createHealthCheck({ database: fail }) })
    const live = await get('/livez')
    expect([live.statusCode, live.json().status]).toEqual([200, 'healthy'])
    expect((await get('/readyz')).statusCode).toBe(503)
  })

  it('are not ready while the server starts or stops', async () => {
    let ready = false
    test = await createTestApp({
      checkHealth: createHealthCheck({ database: pass }, { cacheMs: 0 }),
      isReady: () => ready,
    })
    const before = await get('/readyz')
    expect([before.statusCode, before.json().status]).toEqual([503, 'unhealthy'])
    expect((await get('/health')).statusCode).toBe(200)
    ready = true
    expect((await get('/readyz')).statusCode).toBe(200)
  })
})

describe('a health check', () => {
  it('fails when it does not answer in time, is not asked again meanwhile, and recovers', async () => {
    let asked = 0
    let answer = () => {}
    const hangs = () => {
      asked++
      return new Promise<void>((resolve) => (answer = resolve))
    }
    const failures: string[] = []
    const check = createHealthCheck(
      { hangs },
      {
        deadlineMs: 20,
        cacheMs: 0,
        onFailure: (name, error) => failures.push(`${name}: ${String(error)}`),
      },
    )
    expect((await check()).checks).toEqual({ hangs: 'fail' })
    expect((await check()).checks).toEqual({ hangs: 'fail' })
    expect(asked).toBe(1)
    expect(failures[0]).toBe('hangs: Error: no answer in 20 ms')
    const recovered = check()
    answer()
    expect((await recovered).checks).toEqual({ hangs: 'pass' })
  })

  it('asks once for many who ask at the same time', async () => {
    let asked = 0
    const check = createHealthCheck({ counted: async () => void asked++ })
    await Promise.all(Array.from({ length: 10 }, () => check()))
    expect(asked).toBe(1)
  })

  it('takes a check that throws for one that fails', async () => {
    const check = createHealthCheck({
      throws: () => {
        throw new Error('at once')
      },
    })
    expect((await check()).checks).toEqual({ throws: 'fail' })
  })
})

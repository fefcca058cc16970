import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sampleRun, watchRepository } from '../support/monitor.ts'
import { createPipelinesApp, type PipelinesApp } from '../support/pipelines-app.ts'

const family = '/api/v2/pipelines'
const reading = [
  `${family}/status`,
  `${family}/history/owner/repo-name`,
  `${family}/metrics`,
  `${family}/insights`,
]
let test: PipelinesApp
const asked: string[] = []

beforeAll(async () => {
  test = await createPipelinesApp({
    overrides: { anonymousStatus: true },
    source: {
      ensureRepository: async (name) => {
        asked.push(name)
        return 'missing'
      },
    },
  })
  const repo = await watchRepository(test.database.db, 'owner/repo-name')
  await test.storeRuns(repo, [sampleRun()])
  const read = await watchRepository(test.database.db, 'owner/private', { source: 'read' })
  await test.storeRuns(read, [sampleRun({ id: 2 })])
})
afterAll(() => test.close())

describe('SLIPWAY_ANONYMOUS_STATUS', () => {
  it.each(reading)('opens GET %s to everybody', async (url) => {
    const answer = await test.request('GET', url, { token: null })
    expect(answer.statusCode, answer.body).toBe(200)
  })

  it.each(reading)('is off unless it is set: GET %s', async (url) => {
    const closed = await createPipelinesApp()
    try {
      expect((await closed.request('GET', url, { token: null })).statusCode).toBe(401)
    } finally {
      await closed.close()
    }
  })

  it('opens nothing else', async () => {
    const body = { repository: 'owner/repo-name', workflow: 'ci.yml' }
    const trigger = await test.request('POST', `${family}/trigger`, { token: null, body })
    expect(trigger.statusCode).toBe(401)
    for (const url of [
      '/v1/events',
      '/v1/runs?repository=a/b',
      '/api/repositories',
      '/v1/tokens',
    ]) {
      expect((await test.request('GET', url, { token: null })).statusCode).toBe(401)
    }
  })

  it('refuses a token that is not good, and a credential that is none', async () => {
    const [url = ''] = reading
    expect((await test.request('GET', url, { token: 'slw_wrong' })).statusCode).toBe(401)
    const headers = { authorization: 'Basic eDp5' }
    expect((await test.request('GET', url, { token: null, headers })).statusCode).toBe(401)
    expect((await test.request('GET', `${url}?ticket=x`, { token: null })).statusCode).toBe(401)
  })

  it('still shows a limited token its own repositories only', async () => {
    const token = await test.tokenFor(['viewer'], { repositories: ['acme/other'] })
    const answer = await test.request('GET', `${family}/status`, { token })
    expect(answer.json()).toMatchObject({ pipelines: [], metadata: { total: 0 } })
  })

  it('shows what is watched only, and asks GitHub for nobody', async () => {
    asked.length = 0
    for (const name of ['owner/private', 'acme/never-heard-of']) {
      for (const url of [`${family}/history/${name}`, `${family}/metrics?repository=${name}`]) {
        expect((await test.request('GET', url, { token: null })).statusCode).toBe(404)
      }
      const status = await test.request('GET', `${family}/status?repo=${name}`, { token: null })
      expect(status.json()).toMatchObject({ pipelines: [] })
    }
    expect(asked).toEqual([])
  })

  it('says that GitHub could not be asked, but not why', async () => {
    const pollError = "GitHub can't be reached (connect ECONNREFUSED 10.1.2.3:443)"
    await watchRepository(test.database.db, 'owner/broken', { pollError })
    const url = `${family}/metrics?repository=owner/broken`
    const open = await test.request('GET', url, { token: null })
    expect(open.json()).toMatchObject({
      errors: { 'owner/broken': 'GitHub could not be asked about it the last time' },
    })
    const known = await test.request('GET', url)
    expect(known.json()).toMatchObject({ errors: { 'owner/broken': pollError } })
  })

  it('limits the requests of an address', async () => {
    const limited = await createPipelinesApp({
      overrides: {
        anonymousStatus: true,
        rateLimits: { windowMs: 60_000, perPrincipal: 2, failedPerAddress: 100 },
      },
    })
    try {
      const ask = () => limited.request('GET', `${family}/status`, { token: null })
      expect([(await ask()).statusCode, (await ask()).statusCode]).toEqual([200, 200])
      const third = await ask()
      expect(third.statusCode).toBe(429)
      expect(Number(third.headers['retry-after'])).toBeGreaterThan(0)
      // Somebody who says who they are has a count of their own.
      expect((await limited.request('GET', `${family}/status`)).statusCode).toBe(200)
    } finally {
      await limited.close()
    }
  })
})

import { describe, expect, it } from 'vitest'
import { sampleRun, watchRepository } from '../support/monitor.ts'
import { createPipelinesApp } from '../support/pipelines-app.ts'

const path = '/api/v2/pipelines/status'

describe('where GitHub is away', () => {
  it('answers 503 only as long as nothing is stored', async () => {
    const away = await createPipelinesApp({ source: { isAway: () => true } })
    try {
      const urls = [path, '/api/v2/pipelines/metrics', '/api/v2/pipelines/insights']
      for (const url of urls) {
        const answer = await away.request('GET', url)
        expect(answer.statusCode, url).toBe(503)
        expect(Number(answer.headers['retry-after'])).toBe(60)
        expect(answer.json()).toEqual({
          error: 'Service Unavailable',
          details: 'GitHub cannot be asked, and nothing is stored yet',
        })
      }
      await watchRepository(away.database.db, 'owner/repo-name', { polledAt: new Date(0) })
      for (const url of urls) {
        const later = await away.request('GET', url)
        expect(later.statusCode, url).toBe(200)
        expect(later.json()).toMatchObject({ metadata: { stale: true } })
      }
      expect((await away.request('GET', path)).json()).toMatchObject({ pipelines: [] })
    } finally {
      await away.close()
    }
  })

  it('answers 503 where a watched repository could not be asked about once', async () => {
    const away = await createPipelinesApp({})
    try {
      const { db } = away.database
      const error = { polledAt: null, pollError: 'GitHub answered 502' }
      const repo = await watchRepository(db, 'owner/repo-name', error)
      const history = '/api/v2/pipelines/history/owner/repo-name'
      const figures = ['metrics', 'insights'].map((name) => `/api/v2/pipelines/${name}`)
      for (const url of [path, `${path}?repo=owner/repo-name`, history, ...figures]) {
        const answer = await away.request('GET', url)
        expect(answer.statusCode, url).toBe(503)
        expect(Number(answer.headers['retry-after'])).toBe(60)
      }
      // The webhook has told of it meanwhile.
      await away.storeRuns(repo, [sampleRun({ id: 1 })])
      for (const url of [path, history]) {
        const answer = await away.request('GET', url)
        expect(answer.statusCode).toBe(200)
        expect(answer.json()).toMatchObject({ metadata: { total: 1, stale: true } })
      }
    } finally {
      await away.close()
    }
  })

  it('answers 500 without a word of what broke', async () => {
    const broken = await createPipelinesApp({
      source: {
        isAway: () => {
          throw new Error('secret of the inside')
        },
      },
    })
    try {
      const answer = await broken.request('GET', path)
      expect(answer.statusCode).toBe(500)
      expect(answer.json<{ error: string }>().error).toBe('Internal Server Error')
      expect(answer.body).not.toContain('secret')
    } finally {
      await broken.close()
    }
  })
})

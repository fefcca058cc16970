import { expect, it } from 'vitest'
import { createTestApp } from '../support/http.ts'

it('many searches at once leave connections for everything else', async () => {
  const app = await createTestApp({}, () => ({ logs: { async *read() {} } as never }))
  const holder = await app.database.pool.connect()
  try {
    await holder.query('begin')
    await holder.query('lock table search_documents')
    let answered = 0
    const searches = Array.from({ length: 20 }, async (_, index) => {
      const answer = await app.request('GET', `/v1/search?q=word${index}`)
      answered += 1
      return answer.statusCode
    })
    await expect
      .poll(async () => {
        const { rows } = await holder.query<{ waiting: number }>(
          `select count(*)::integer as waiting from pg_locks
           where relation = 'search_documents'::regclass and not granted`,
        )
        return rows[0]?.waiting
      })
      .toBeGreaterThan(1)
    expect((await app.request('GET', '/v1/tokens')).statusCode).toBe(200)
    expect(answered).toBe(0)
    await holder.query('rollback')
    expect(new Set(await Promise.all(searches))).toEqual(new Set([200]))
  } finally {
    holder.release()
    await app.close()
  }
})

import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../../test/support/database.ts'
import { deleteOldAudit } from './delete-old-audit.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())

it('deletes what is older, and nothing else', async () => {
  const { db } = database
  const days = (n: number) => new Date(Date.now() - n * 86_400_000)
  const entry = { actor: 'a', action: 'x', resource: '/', address: '::1', outcome: 200 }
  for (const age of [400, 370, 10, 0]) {
    const row = { ...entry, at: days(age), request_id: String(age) }
    await db.insertInto('audit_log').values(row).execute()
  }
  const { signal } = new AbortController()
  expect(await deleteOldAudit({ db }, { before: days(365), signal })).toBe(2)
  const kept = await db.selectFrom('audit_log').select('request_id').orderBy('id').execute()
  expect(kept.map((row) => row.request_id)).toEqual(['10', '0'])
})

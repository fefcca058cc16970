import { expect, test } from 'vitest'
import { createTestDatabase } from '../support/database.ts'

test('a test database is migrated and of its own', async () => {
  const database = await createTestDatabase()
  const { rows } = await database.pool.query('select count(*) as n from jobs')
  expect(rows).toEqual([{ n: 0 }])
  await database.close()
})

// Retention deletes runs; what refers to them is found by an index, however much there is of it.
import { expect, it } from 'vitest'
import { createTestDatabase } from '../support/database.ts'

it('every foreign key that deletes with its row has an index that begins with it', async () => {
  const database = await createTestDatabase()
  try {
    const { rows } = await database.pool.query<{ key: string }>(`
      select c.conrelid::regclass || ': ' || pg_get_constraintdef(c.oid) as key
      from pg_constraint c
      where c.contype = 'f' and c.confdeltype = 'c' and not exists (
        select from pg_index i
        where i.indrelid = c.conrelid
          and (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey
          -- One of some rows only must be of all that refer to something.
          and (i.indpred is null
               or pg_get_expr(i.indpred, i.indrelid) ~ '^\\(\\w+ IS NOT NULL\\)$')
      )
      order by 1`)
    expect(rows.map(({ key }) => key)).toEqual([])
  } finally {
    await database.close()
  }
})

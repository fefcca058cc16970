import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { migrate } from '../../packages/server/src/db/migrate.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { makeScratch } from '../support/database-processes.ts'
import { quietLog } from '../support/quiet-log.ts'

let database: TestDatabase
let scratch: Awaited<ReturnType<typeof makeScratch>>

beforeEach(async () => {
  database = await createTestDatabase({ empty: true })
  scratch = await makeScratch()
})

afterEach(async () => {
  await database.close()
  await scratch.remove()
})

const write = (name: string, text: string) => writeFile(join(scratch.path, name), text)
const apply = () => migrate({ pool: database.pool, log: quietLog }, scratch.path)

async function column(text: string): Promise<unknown[]> {
  const { rows } = await database.pool.query({ text, rowMode: 'array' })
  return rows.flat()
}

test("the program's own migrations make its tables, once", async () => {
  const deps = { pool: database.pool, log: quietLog }
  expect(await migrate(deps)).toContain('0001_engine.sql')
  expect(await migrate(deps)).toEqual([])
  expect(await column('select count(*) from runs')).toEqual([0])
})

test('two processes that migrate at once apply each file once, in order', async () => {
  for (const number of [1, 2, 3, 4]) {
    await write(
      `000${number}_x.sql`,
      number === 1
        ? 'create table trail (id serial, n int); insert into trail (n) values (1)'
        : `select pg_sleep(0.05); insert into trail (n) values (${number})`,
    )
  }
  const script = fileURLToPath(new URL('../support/database-migrate.ts', import.meta.url))
  const processes = [1, 2].map(() =>
    promisify(execFile)(process.execPath, ['--import', 'tsx', script, database.url, scratch.path]),
  )
  const applied = (await Promise.all(processes)).flatMap(
    ({ stdout }) => JSON.parse(stdout) as string[],
  )
  const names = ['0001_x.sql', '0002_x.sql', '0003_x.sql', '0004_x.sql']
  expect(applied.toSorted()).toEqual(names)
  expect(await column('select n from trail order by id')).toEqual([1, 2, 3, 4])
  expect(await column('select name from schema_migrations order by name')).toEqual(names)
})

test('a schema newer than the program is refused and left alone', async () => {
  await write('0001_a.sql', 'create table a ()')
  await write('0002_b.sql', 'create table b ()')
  await apply()
  await rm(join(scratch.path, '0002_b.sql'))
  await write('0001_a.sql', 'create table a ()')
  await expect(apply()).rejects.toThrow(/newer than this program: it has 0002_b\.sql/)
})

test('a changed file is refused, and what follows it is not applied', async () => {
  await write('0001_a.sql', 'create table a ()')
  await apply()
  await write('0001_a.sql', 'create table a (n int)')
  await write('0002_b.sql', 'create table b ()')
  await expect(apply()).rejects.toMatchObject({
    name: 'StartupError',
    message: expect.stringContaining('0001_a.sql'),
  })
  expect(await column(`select to_regclass('b')::text`)).toEqual([null])
})

test('a migration that fails leaves nothing of itself, and can be mended', async () => {
  await write('0001_a.sql', 'create table a ()')
  await write('0002_b.sql', 'create table b (); select 1/0')
  await expect(apply()).rejects.toThrow(/0002_b\.sql failed: division by zero/)
  expect(await column(`select to_regclass('a')::text, to_regclass('b')::text`)).toEqual(['a', null])
  await write('0002_b.sql', 'create table b ()')
  expect(await apply()).toEqual(['0002_b.sql'])
})

test('files without a number of their own are refused before anything happens', async () => {
  await write('0001_a.sql', 'create table a ()')
  await write('0001_b.sql', 'create table b ()')
  await expect(apply()).rejects.toThrow(/0001_b\.sql/)
  expect(await column(`select to_regclass('a')::text`)).toEqual([null])
})

import { expect, test } from 'vitest'
import { openDatabase, refuseOldVersion } from './open-database.ts'

const log = { info() {}, warn() {}, error() {} }

test('PostgreSQL 15 is the oldest', () => {
  expect(() => refuseOldVersion({ number: 140_012, name: '14.12' })).toThrow(
    /PostgreSQL 14\.12.*15/,
  )
  expect(() => refuseOldVersion({ number: 150_000, name: '15.0' })).not.toThrow()
})

test.each(['', 'mysql://root:hush@localhost/x', 'postgresql://user:hush@exa mple/x'])(
  'a URL that is none is refused without being repeated: %s',
  async (url) => {
    const error = await openDatabase({ url, log }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'StartupError' })
    expect((error as Error).message).not.toContain('hush')
  },
)

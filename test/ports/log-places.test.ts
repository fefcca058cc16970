// Where logs are that are being written, as several servers on one database agree about it.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createLogPlaces } from '../../packages/server/src/logs/index.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { quietLog } from '../support/quiet-log.ts'

let database: TestDatabase
let key: string
const forever = new AbortController().signal

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.close())
beforeEach(() => {
  key = `pipeline-runs/${randomUUID()}/logs/build/app/compile.log`
})

const placesOf = (home: string) => createLogPlaces({ db: database.db, log: quietLog, home })
const alpha = () => placesOf('alpha')
const beta = () => placesOf('beta')

describe('a claim', () => {
  it('says where the log was before', async () => {
    expect(await alpha().claim(key)).toEqual({ ours: true, before: 'nowhere' })
    expect(await alpha().claim(key)).toEqual({ ours: true, before: 'here' })
    expect(await beta().claim(key)).toEqual({ ours: false, home: 'alpha' })
    await alpha().park(key, 'alpha')
    expect(await beta().claim(key)).toEqual({ ours: true, before: 'parked' })
    expect(await beta().find(key)).toEqual({ home: 'beta' })
    await beta().forget(key)
    expect(await alpha().claim(key)).toEqual({ ours: true, before: 'nowhere' })
  })

  it('is won by one of many', async () => {
    const homes = Array.from({ length: 8 }, (_, index) => `home-${index}`)
    const claims = await Promise.all(homes.map((home) => placesOf(home).claim(key)))
    expect(claims.filter(({ ours }) => ours)).toHaveLength(1)
    const winner = homes[claims.findIndex(({ ours }) => ours)]
    for (const claim of claims) if (!claim.ours) expect(claim.home).toBe(winner)
  })
})

describe('a log that another has', () => {
  beforeEach(async () => {
    await alpha().claim(key)
  })

  it('is taken over once, from whoever has it', async () => {
    expect(await beta().takeOver(key, 'gamma')).toBe(false)
    expect(await beta().takeOver(key, 'alpha')).toBe(true)
    expect(await placesOf('gamma').takeOver(key, 'alpha')).toBe(false)
    expect(await alpha().claim(key)).toEqual({ ours: false, home: 'beta' })
  })

  it('is not parked, forgotten or sealed by somebody else', async () => {
    await beta().park(key, 'beta')
    await beta().forget(key)
    await beta().forgetParked(key)
    await beta().forgetOursBut([])
    expect(await beta().find(key)).toEqual({ home: 'alpha' })
    expect(await beta().ours([key])).toEqual(new Set())
    expect(await alpha().ours([key, 'other'])).toEqual(new Set([key]))
    await beta().forget(key, 'alpha')
    expect(await beta().find(key)).toBeNull()
  })
})

it('lists and forgets what is under a prefix, and nothing beside it', async () => {
  const run = `pipeline-runs/${randomUUID()}`
  const [inside, deeper, beside] = [`${run}/a.log`, `${run}/b/c.log`, `${run}0/a.log`]
  for (const each of [inside, deeper, beside]) await alpha().claim(each)
  await alpha().park(inside, 'alpha')
  await alpha().park(beside, 'alpha')
  expect(await beta().listParked(`${run}/`)).toEqual([inside])
  expect(await beta().forgetUnder(`${run}/`)).toEqual(['alpha'])
  expect(await alpha().find(deeper)).toBeNull()
  expect(await alpha().find(beside)).toEqual({ home: null })
})

describe('whoever waits for a log', () => {
  it('hears that it has begun elsewhere, has moved, and is over', async () => {
    const places = beta()
    const begun = places.changed(key, null, forever)
    await alpha().claim(key)
    await begun
    const moved = places.changed(key, { home: 'alpha' }, forever)
    await alpha().park(key, 'alpha')
    await moved
    const over = places.changed(key, { home: null }, forever)
    await alpha().forget(key)
    await over
  })

  it('waits on while nothing changes, until they have waited enough or want no more', async () => {
    const places = beta()
    await alpha().claim(key)
    let hasEnded = false
    const leaving = new AbortController()
    const waiting = places
      .changed(key, { home: 'alpha' }, leaving.signal)
      .then(() => void (hasEnded = true))
    await places.changed(key, { home: 'alpha' }, forever, 600)
    expect(hasEnded).toBe(false)
    leaving.abort()
    await waiting
  })
})

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type BuildsApp, createBuildsApp, runsPath } from '../support/builds-app.ts'

let test: BuildsApp
beforeEach(async () => void (test = await createBuildsApp()))
afterEach(() => test.close())

/** Lists stay under way, at the first log, until `letGo`. */
function holdLists() {
  let letGo = () => {}
  let reads = 0
  const held = new Promise<void>((resolve) => void (letGo = resolve))
  const { readEnd } = test.builds.logs
  test.builds.logs.readEnd = async (...input) => {
    reads += 1
    await held
    return readEnd(...input)
  }
  return { letGo, reads: () => reads }
}

describe('GET /api/pipelines/runs', () => {
  it('sends a token twenty lists at once, and no more until one has ended', async () => {
    await test.create()
    const lists = holdLists()
    const under = Array.from({ length: 20 }, () => test.request('GET', runsPath))
    await expect.poll(lists.reads).toBe(20)
    const oneMore = await test.request('GET', `${runsPath}?limit=1`)
    expect([oneMore.statusCode, oneMore.json()]).toEqual([
      429,
      { error: 'Rate limit exceeded', message: 'Too many open streams for this token.' },
    ])
    const other = test.request('GET', runsPath, { token: await test.tokenFor(['viewer']) })
    await expect.poll(lists.reads).toBe(21)
    lists.letGo()
    for (const answer of await Promise.all([...under, other])) expect(answer.json().count).toBe(1)
    expect((await test.request('GET', runsPath)).statusCode).toBe(200)
  })

  it('counts no list that could not begin', async () => {
    const broken = async () =>
      (await test.request('GET', `${runsPath}?offset=1&limit=1`)).statusCode
    await test.database.pool.query('alter table builds rename to elsewhere')
    for (let count = 0; count < 21; count++) expect(await broken()).toBe(500)
    await test.database.pool.query('alter table elsewhere rename to builds')
    expect(await broken()).toBe(200)
  })
})

describe('HEAD /api/pipelines/runs', () => {
  it('answers without reading the builds and their logs', async () => {
    await test.create()
    const lists = holdLists()
    const answer = await test.request('HEAD', runsPath)
    expect([answer.statusCode, answer.body]).toEqual([200, ''])
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(lists.reads()).toBe(0)
    lists.letGo()
  })
})

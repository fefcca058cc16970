// Search among more documents than are looked through one by one.
import type { SearchResponse } from '@slipway/contract/search'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Principal } from '../../packages/server/src/ports/identity.ts'
import { search } from '../../packages/server/src/search/index.ts'
import { repositoryWord, tsvectorOf } from '../../packages/server/src/search/words.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const total = 1_600
let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
  const documents = Array.from({ length: total }, (_, index) => {
    const repository = index % 2 === 0 ? 'acme/even' : 'acme/odd'
    const words = ['frequent', `n${index}`]
    if (index % 200 === 0) words.push('middling')
    return { repository, words: `${repositoryWord(repository)} ${tsvectorOf(words.join(' '))}` }
  })
  await database.pool.query(
    `insert into search_documents (kind, repository, at, words)
     select 'run', d.repository, '2026-01-01'::timestamptz + n * interval '1 second', d.words::tsvector
     from rows from (jsonb_to_recordset($1::jsonb) as (repository text, words text))
          with ordinality d (repository, words, n)
     order by n`,
    [JSON.stringify(documents)],
  )
})
afterAll(() => database.close())

const principal = (repositories: string[] | null): Principal => ({
  id: 'a',
  name: 'a',
  roles: ['viewer'],
  repositories,
})

/** Numbers of the documents of all pages, in the order in which they came. */
async function pages(q: string, repositories: string[] | null, limit = 100): Promise<number[]> {
  const found: SearchResponse['results'] = []
  const deps = { db: database.db, logs: { read: () => expect.unreachable() } }
  let cursor: number | null = Number.MAX_SAFE_INTEGER
  do {
    const query = { q, limit, cursor }
    const page: SearchResponse = await search(deps, { principal: principal(repositories), query })
    found.push(...page.results)
    cursor = page.next_cursor
  } while (cursor !== null)
  const first = Date.parse('2026-01-01T00:00:01Z')
  return found.map(({ at }) => (Date.parse(at) - first) / 1000)
}

const newestFirst = (wanted: (index: number) => boolean) =>
  Array.from({ length: total }, (_, index) => total - 1 - index).filter(wanted)

it('finds what is everywhere, what is here and there, and what is once, newest first', async () => {
  expect(await pages('frequent', null)).toEqual(newestFirst(() => true))
  expect(await pages('middling', null, 3)).toEqual([1400, 1200, 1000, 800, 600, 400, 200, 0])
  expect(await pages('n7', null)).toEqual(newestFirst((index) => `${index}`.startsWith('7')))
  expect(await pages('"n3"', null)).toEqual([3])
})

it('finds of many repositories only what may be seen', async () => {
  expect(await pages('frequent', ['acme/odd'])).toEqual(newestFirst((index) => index % 2 === 1))
  expect(await pages('middling', ['acme/odd', "no'body/\\"])).toEqual([])
  expect(await pages('middling OR "n3"', ['acme/odd'])).toEqual([3])
  expect(await pages('frequent', [])).toEqual([])
})

it('has no word of a query lead to a repository by its name alone', async () => {
  await expect(pages('@acme/odd', null)).resolves.toEqual([])
})

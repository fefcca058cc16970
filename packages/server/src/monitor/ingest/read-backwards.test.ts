import { describe, expect, it } from 'vitest'
import type { RunSnapshot, RunsQuery } from '../../ports/github-actions.ts'
import { readBackwards } from './read-backwards.ts'

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second))
const signal = new AbortController().signal

/** GitHub's list: newest first, at most 1,000 of one query. */
function github(seconds: readonly number[]) {
  const queries: RunsQuery[] = []
  const all = seconds
    .map((second, id) => ({ id, createdAt: at(second) }) as RunSnapshot)
    .toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime() || b.id - a.id)
  const listRuns = async (_: string, query: RunsQuery) => {
    queries.push(query)
    const { perPage, page = 1, created } = query
    const found = all.filter(
      ({ createdAt }) => created && createdAt >= created.from && createdAt <= created.to,
    )
    const runs = found.slice(0, 1_000).slice((page - 1) * perPage, page * perPage)
    const value = { total: found.length, runs, repository: null }
    return { changed: true as const, value, etag: null }
  }
  return { listRuns, queries, all }
}

async function readAll(actions: ReturnType<typeof github>, to: number) {
  const found = new Set<number>()
  const input = { repository: 'acme/shop', from: at(0), to: at(to) }
  for await (const { runs, since } of readBackwards(actions, input, signal)) {
    for (const { id } of runs) found.add(id)
    const promised = actions.all.filter(
      ({ createdAt }) => createdAt >= since && createdAt <= at(to),
    )
    expect(promised.every(({ id }) => found.has(id))).toBe(true)
  }
  return found
}

describe('readBackwards', () => {
  it('reads what fits on a page with one request', async () => {
    const actions = github([1, 2, 3])
    expect(await readAll(actions, 10)).toEqual(new Set([0, 1, 2]))
    expect(actions.queries).toHaveLength(1)
    expect(await readAll(github([]), 10)).toEqual(new Set())
  })

  it('reads more runs than GitHub shows of one query', async () => {
    const actions = github(Array.from({ length: 2_500 }, (_, n) => n))
    expect((await readAll(actions, 2_600)).size).toBe(2_500)
    expect(Math.max(...actions.queries.map(({ page = 1 }) => page))).toBe(1)
  })

  it('reads many runs of one second, and goes on behind more than can be had', async () => {
    const some = [...Array.from({ length: 350 }, () => 50), 10, 20, 30]
    expect((await readAll(github(some), 60)).size).toBe(353)
    const many = github([...Array.from({ length: 1_200 }, () => 50), 10, 20])
    const found = new Set<number>()
    const input = { repository: 'acme/shop', from: at(0), to: at(60) }
    for await (const { runs } of readBackwards(many, input, signal)) {
      for (const { id } of runs) found.add(id)
    }
    expect(found.size).toBe(1_002)
  })

  it('believes no half page', async () => {
    const listRuns = async () => ({
      changed: true as const,
      value: { total: 80, runs: [], repository: null },
      etag: null,
    })
    const pages = readBackwards(
      { listRuns },
      { repository: 'acme/shop', from: at(0), to: at(9) },
      signal,
    )
    await expect(pages.next()).rejects.toThrow('half a page')
  })
})

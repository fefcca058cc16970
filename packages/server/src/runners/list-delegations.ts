import type { ListDelegatedJobsQuery, DelegatedJob } from '@slipway/contract/delegations'
import type { Pagination } from '@slipway/contract/runner-answers'
import { type Kysely, type RawBuilder, sql } from 'kysely'
import { requireVisible } from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { type DelegationRow, toDelegatedJob } from './delegation-rows.ts'
import { parseMoment } from './parse-moment.ts'
import { findPage } from './find-page.ts'

const dayMs = 86_400_000

interface Range {
  /** Milliseconds since 1970, `from` inclusive, `to` exclusive. */
  from: number
  to: number
}

/** One page of the delegations that the principal may see, newest first. */
export async function listDelegations(
  deps: { db: Kysely<Tables> },
  input: { principal: Principal; query: ListDelegatedJobsQuery },
): Promise<{ jobs: DelegatedJob[]; pagination: Pagination }> {
  const { page = 1, limit = 20, repository, status } = input.query
  if (repository !== undefined) requireVisible(input.principal, repository)
  const range = readRange(input.query)
  const repositories = repository === undefined ? input.principal.repositories : [repository]
  const which = { repositories, status: status ?? null }
  const days = await countDays(deps, which, range)
  const { total, start } = findPage(days, (page - 1) * limit)
  const rows = start === null ? [] : await readPage(deps, which, { range, start, limit })
  return {
    jobs: rows.map(toDelegatedJob),
    pagination: { page, limit, total, totalPages: Math.ceil(total / limit) },
  }
}

interface Which {
  /** Null: all. */
  repositories: readonly string[] | null
  status: string | null
}

/** How many there are by day, newest first: of whole days counters say so, parts of days are counted. */
async function countDays(
  { db }: { db: Kysely<Tables> },
  which: Which,
  range: Range,
): Promise<{ day: number; count: number }[]> {
  const first = Math.ceil(range.from / dayMs)
  const last = Math.floor(range.to / dayMs) - 1
  const parts = partialDays(range, first, last)
  const { rows } = await sql<{ day: number; count: number }>`
    select day, sum(count)::float8 as count from delegation_counts c
     where day between ${clampDay(first)} and ${clampDay(last)} and count > 0 and ${matches(which, 'c')}
     group by day
    ${sql.join(
      parts.map(
        ({ day, from, to }) => sql`
          union all
          select ${day}::integer, count(*)::float8 from delegations d
           where d.created_at >= ${new Date(from)} and d.created_at < ${new Date(to)}
             and ${matches(which, 'd')}`,
      ),
      sql` `,
    )}
    order by day desc`.execute(db)
  return rows
}

/** The days of which only a part is in the range. */
function partialDays(range: Range, first: number, last: number): (Range & { day: number })[] {
  const days = new Set<number>()
  if (range.from < first * dayMs) days.add(first - 1)
  if (range.to > (last + 1) * dayMs) days.add(last + 1)
  return [...days].map((day) => ({
    day,
    from: Math.max(range.from, day * dayMs),
    to: Math.min(range.to, (day + 1) * dayMs),
  }))
}

/** Rows of one repository come from its own index; of several, each gives its newest. */
async function readPage(
  { db }: { db: Kysely<Tables> },
  which: Which,
  { range, start, limit }: { range: Range; start: { day: number; skip: number }; limit: number },
): Promise<DelegationRow[]> {
  const to = new Date(Math.min(range.to, (start.day + 1) * dayMs))
  const wanted = (repository: RawBuilder<boolean>) => sql`
    select d.id, d.created_at from delegations d
     where ${repository} and d.created_at < ${to} and d.created_at >= ${new Date(range.from)}
       and ${which.status === null ? sql`true` : sql`d.status = ${which.status}`}
     order by d.created_at desc, d.id desc limit ${start.skip + limit}`
  const found =
    which.repositories === null
      ? sql`(${wanted(sql<boolean>`true`)})`
      : sql`(select f.* from unnest(${[...which.repositories]}::text[]) as r (name)
              cross join lateral (${wanted(sql<boolean>`d.repository = r.name`)}) f)`
  const { rows } = await sql<DelegationRow>`
    select d.* from (
      select found.id from ${found} as found
       order by found.created_at desc, found.id desc offset ${start.skip} limit ${limit}
    ) page join delegations d on d.id = page.id
    order by d.created_at desc, d.id desc`.execute(db)
  return rows
}

function matches({ repositories, status }: Which, table: 'c' | 'd'): RawBuilder<boolean> {
  const repository = sql.ref(`${table}.repository`)
  const isTheirs =
    repositories === null ? sql`true` : sql`${repository} = any(${[...repositories]}::text[])`
  const has = status === null ? sql`true` : sql`${sql.ref(`${table}.status`)} = ${status}`
  return sql<boolean>`${isTheirs} and ${has}`
}

/** Nothing is older than 1970, or newer than the year 9999. */
const oldest = 0
const newest = Date.UTC(9999, 11, 31)

function readRange({ startDate, endDate }: ListDelegatedJobsQuery): Range {
  const problems: { path: string; message: string }[] = []
  const moment = (name: string, text: string | undefined, otherwise: number): number => {
    const at = text === undefined ? otherwise : parseMoment(text)
    if (at === null) {
      problems.push({ path: `/${name}`, message: 'must be an ISO 8601 date or date and time' })
    }
    return Math.min(Math.max(at ?? otherwise, oldest), newest)
  }
  const from = moment('startDate', startDate, oldest)
  // A moment that is meant to be in the range is, to the millisecond.
  const to = moment('endDate', endDate, newest) + 1
  if (problems.length === 0 && startDate !== undefined && endDate !== undefined && from >= to) {
    problems.push({ path: '/endDate', message: 'must not be before startDate' })
  }
  const [first] = problems
  if (first === undefined) return { from, to }
  throw new AppError('invalid_request', `The query is not valid: ${first.path} ${first.message}`, {
    problems,
  })
}

const clampDay = (day: number) => Math.min(Math.max(day, 0), Math.ceil(newest / dayMs))

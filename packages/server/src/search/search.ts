import type { SearchQuery, SearchResponse, SearchResult } from '@slipway/contract/search'
import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely'
import { requireVisible } from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { LogStore } from '../logs/index.ts'
import type { Principal } from '../ports/identity.ts'
import { findExcerpt, findLine } from './find-excerpt.ts'
import { releaseText, runText } from './index-metadata.ts'
import { type ParsedQuery, parseQuery } from './parse-query.ts'
import { plainText, repositoryWord } from './words.ts'

export interface SearchDeps {
  db: Kysely<Tables>
  logs: Pick<LogStore, 'read'>
}

/** Milliseconds that PostgreSQL may look. */
const searchMs = 5_000
/** Milliseconds for reading one log around what was found in it. */
const excerptMs = 5_000
/** Documents that are looked through before the index of words is asked. */
const newestDocuments = 1_000

interface Found {
  id: number
  kind: SearchResult['kind']
  repository: string
  at: Date
  runId: string | null
  releaseId: string | null
  project: string | null
  releaseNumber: number | null
  phase: string | null
  step: string | null
  stepId: string | null
  logKey: string | null
  firstLine: number | null
  lineCount: number | null
  /** Null: it is in the log. */
  text: string | null
}

/**
 * Finds runs, releases and lines of logs that the principal may see, newest first. A log counts once
 * for each stretch of it in which all the words are.
 *
 * @throws AppError invalid_request for a query that asks for nothing or takes too long
 */
export async function search(
  deps: SearchDeps,
  input: { principal: Principal; query: SearchQuery },
): Promise<SearchResponse> {
  const { principal, query } = input
  const { limit = 20 } = query
  if (query.repository !== undefined) requireVisible(principal, query.repository)
  const parsed = parseQuery(query.q)
  const found = await findDocuments(deps, { principal, query, parsed, limit: limit + 1 })
  const page = found.slice(0, limit)
  const results = await Promise.all(page.map((one) => describe(deps, one, parsed)))
  return { results, next_cursor: found.length > limit ? (page.at(-1)?.id ?? null) : null }
}

/** Whether it is the principal's to see is asked of every document, however it was found. */
async function findDocuments(
  deps: SearchDeps,
  input: { principal: Principal; query: SearchQuery; parsed: ParsedQuery; limit: number },
): Promise<Found[]> {
  const { principal, query, parsed, limit } = input
  const repositories = query.repository === undefined ? principal.repositories : [query.repository]
  const words = withinRepositories(parsed.tsquery, repositories)
  const conditions: RawBuilder<unknown>[] = [sql`d.words @@ ${words}::tsquery`]
  if (query.kind !== undefined) conditions.push(sql`d.kind = ${query.kind}`)
  if (repositories !== null) conditions.push(sql`d.repository = any(${[...repositories]}::text[])`)
  try {
    return await deps.db.transaction().execute(async (trx) => {
      await sql`select set_config('statement_timeout', ${String(searchMs)}, true)`.execute(trx)
      const ids = await findIds(trx, { conditions, before: query.cursor, limit })
      return ids.length === 0 ? [] : loadFound(trx, ids)
    })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === '57014') {
      throw new AppError('invalid_request', 'This finds too much: ask for more or rarer words')
    }
    throw error
  }
}

/** The word that every document of a repository has, so that the index leads to no others. */
function withinRepositories(tsquery: string, repositories: readonly string[] | null): string {
  if (repositories === null) return tsquery
  // What may be seen of nothing finds nothing: a word that no document has.
  const words = repositories.length === 0 ? [repositoryWord('')] : repositories.map(repositoryWord)
  return `${tsquery} & (${words.join(' | ')})`
}

/**
 * Frequent words are among the newest documents, which are looked through one by one; rare ones are
 * few, so all that the index of words has are sorted. PostgreSQL left to itself takes every beginning
 * of a word for a frequent one, and reads the whole table for what is rare.
 */
async function findIds(
  trx: Transaction<Tables>,
  input: { conditions: RawBuilder<unknown>[]; before: number | undefined; limit: number },
): Promise<number[]> {
  const { conditions, before = Number.MAX_SAFE_INTEGER, limit } = input
  const wanted = sql.join(conditions, sql` and `)
  const { rows: newest } = await sql<{ floor: number }>`
    select coalesce(min(id), 0) as floor from (
      select id from search_documents where id < ${before} order by id desc limit ${newestDocuments}
    ) n`.execute(trx)
  const floor = newest[0]?.floor ?? 0
  const { rows: recent } = await sql<{ id: number }>`
    select d.id from search_documents d
    where d.id >= ${floor} and d.id < ${before} and ${wanted}
    order by d.id desc limit ${limit}`.execute(trx)
  const ids = recent.map(({ id }) => id)
  if (ids.length === limit) return ids
  const { rows: older } = await sql<{ id: number }>`
    select d.id from search_documents d where d.id < ${floor} and ${wanted}
    order by d.id + 0 desc limit ${limit - ids.length}`.execute(trx)
  return [...ids, ...older.map(({ id }) => id)]
}

async function loadFound(trx: Transaction<Tables>, ids: readonly number[]): Promise<Found[]> {
  const { rows } = await sql<Found>`
    select d.id, d.kind, d.repository, d.at, d.run_id as "runId", d.release_id as "releaseId",
           d.step_id as "stepId", d.log_key as "logKey", d.first_line as "firstLine",
           d.line_count as "lineCount", coalesce(l.project, t.project_name) as project,
           l.number as "releaseNumber", p.name as phase, s.name as step,
           coalesce(l.text, r.text) as text
    from search_documents d
    left join lateral (
      select ${runText} as text from runs r where d.kind = 'run' and r.id = d.run_id
    ) r on true
    left join lateral (
      select ${releaseText} as text, r.project, r.release_number as number
      from releases r where d.kind = 'release' and r.id = d.release_id
    ) l on true
    left join steps s on s.id = d.step_id
    left join tasks t on t.id = s.task_id
    left join phases p on p.id = t.phase_id
    where d.id = any(${[...ids]}::bigint[])
    order by d.id desc`.execute(trx)
  return rows
}

async function describe(
  deps: SearchDeps,
  found: Found,
  parsed: ParsedQuery,
): Promise<SearchResult> {
  const common = { kind: found.kind, repository: found.repository, at: found.at.toISOString() }
  if (found.kind === 'log') return describeLine(deps, found, parsed, common)
  const excerpt = findExcerpt(found.text ?? '', parsed.wanted)
  if (found.kind === 'run') {
    const runId = found.runId ?? ''
    return { ...common, run_id: runId, ...excerpt, path: `/v1/runs/${runId}` }
  }
  const releaseId = found.releaseId ?? ''
  return {
    ...common,
    release_id: releaseId,
    project: found.project ?? '',
    release_number: found.releaseNumber ?? 0,
    ...excerpt,
    path: `/v1/releases/${releaseId}`,
  }
}

async function describeLine(
  deps: SearchDeps,
  found: Found,
  { wanted }: ParsedQuery,
  common: Pick<SearchResult, 'kind' | 'repository' | 'at'>,
): Promise<SearchResult> {
  const { firstLine, lineCount, logKey, stepId } = found
  const lines = await readLines(deps, logKey ?? '', firstLine ?? 1, lineCount ?? 0)
  const best = findLine(lines, wanted)
  const line = (firstLine ?? 1) + best
  return {
    ...common,
    run_id: found.runId ?? '',
    project: found.project ?? '',
    phase: found.phase ?? '',
    step: found.step ?? '',
    step_id: stepId ?? '',
    line,
    ...findExcerpt(lines[best] ?? '', wanted),
    path: `/v1/steps/${stepId}/logs?after=${line - 1}`,
  }
}

/** A log that retention is just taking away, or that cannot be read in time, has no lines. */
async function readLines(...args: Parameters<typeof readStretch>): ReturnType<typeof readStretch> {
  return readStretch(...args).catch(() => [])
}

async function readStretch(
  { logs }: SearchDeps,
  key: string,
  firstLine: number,
  count: number,
): Promise<string[]> {
  const lines: string[] = []
  const signal = AbortSignal.timeout(excerptMs)
  for await (const chunk of logs.read(key, { after: firstLine - 1 }, signal)) {
    const more = chunk.data.toString('utf8').split('\n').slice(0, chunk.lines)
    lines.push(...more.map(plainText))
    if (lines.length >= count) break
  }
  return lines.slice(0, count)
}

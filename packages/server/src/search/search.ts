import type { SearchQuery, SearchResponse, SearchResult } from '@slipway/contract/search'
import { type Kysely, type RawBuilder, sql } from 'kysely'
import { requireVisible } from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { LogStore } from '../logs/index.ts'
import type { Principal } from '../ports/identity.ts'
import { findExcerpt, findLine } from './find-excerpt.ts'
import { releaseText, runText } from './index-metadata.ts'
import { type ParsedQuery, parseQuery } from './parse-query.ts'
import { plainText } from './words.ts'

export interface SearchDeps {
  db: Kysely<Tables>
  logs: Pick<LogStore, 'read'>
}

/** Milliseconds that PostgreSQL may look. */
const searchMs = 5_000
/** Milliseconds for reading one log around what was found in it. */
const excerptMs = 5_000

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

async function findDocuments(
  deps: SearchDeps,
  input: { principal: Principal; query: SearchQuery; parsed: ParsedQuery; limit: number },
): Promise<Found[]> {
  const { principal, query, parsed, limit } = input
  const conditions: RawBuilder<unknown>[] = [sql`d.words @@ ${parsed.tsquery}::tsquery`]
  if (query.kind !== undefined) conditions.push(sql`d.kind = ${query.kind}`)
  if (query.cursor !== undefined) conditions.push(sql`d.id < ${query.cursor}`)
  const repositories = query.repository === undefined ? principal.repositories : [query.repository]
  if (repositories !== null) conditions.push(sql`d.repository = any(${[...repositories]}::text[])`)
  try {
    return await deps.db.transaction().execute(async (trx) => {
      await sql`select set_config('statement_timeout', ${String(searchMs)}, true)`.execute(trx)
      const { rows } = await sql<Found>`
        with d as (
          select * from search_documents d where ${sql.join(conditions, sql` and `)}
          order by d.id desc limit ${limit}
        )
        select d.id, d.kind, d.repository, d.at, d.run_id as "runId", d.release_id as "releaseId",
               d.step_id as "stepId", d.log_key as "logKey", d.first_line as "firstLine",
               d.line_count as "lineCount", coalesce(l.project, t.project_name) as project,
               l.number as "releaseNumber", p.name as phase, s.name as step,
               coalesce(l.text, r.text) as text
        from d
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
        order by d.id desc`.execute(trx)
      return rows
    })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === '57014') {
      throw new AppError('invalid_request', 'This finds too much: ask for more or rarer words')
    }
    throw error
  }
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

/** A log that retention is just taking away has no lines. */
async function readLines(
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

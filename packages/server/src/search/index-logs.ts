import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { LogStore } from '../logs/index.ts'
import { plainText, repositoryWord, tsvectorOf } from './words.ts'

export interface IndexLogsDeps {
  db: Kysely<Tables>
  logs: Pick<LogStore, 'read' | 'requireReachable'>
}

/** Bytes of a log that are searched; what comes behind is not. */
const maxLogBytes = 8 * 1024 * 1024
/** Bytes of one document: a stretch of lines. */
const stretchBytes = 32 * 1024
/** Milliseconds for which a log is waited for whose server is away. */
const patienceMs = 120_000

interface Stretch {
  firstLine: number
  lines: string[]
  bytes: number
}

/** Makes the logs of a run that has ended searchable, each anew. Steps that never ran have none. */
export async function indexLogs(
  deps: IndexLogsDeps,
  input: { runId: string; signal: AbortSignal },
): Promise<void> {
  const { db } = deps
  const { runId, signal } = input
  const { rows: logs } = await sql<{
    key: string
    stepId: string
    repository: string
    at: Date
  }>`
    select distinct on (s.log_key) s.log_key as key, s.id as "stepId", r.repository,
           coalesce(s.completed_at, r.completed_at, r.started_at) as at
    from steps s join runs r on r.id = s.run_id
    where s.run_id = ${runId} and s.started_at is not null and r.logs_deleted_at is null
    order by s.log_key, s.attempt desc`.execute(db)
  for (const log of logs) {
    signal.throwIfAborted()
    await db
      .deleteFrom('search_documents')
      .where('kind', '=', 'log')
      .where('run_id', '=', runId)
      .where('log_key', '=', log.key)
      .execute()
    const age = Date.now() - log.at.getTime()
    for await (const stretch of stretchesOf(deps.logs, log.key, signal, age > patienceMs)) {
      const words = tsvectorOf(stretch.lines.join('\n'))
      if (words === '') continue
      await sql`
        insert into search_documents
          (kind, repository, run_id, step_id, log_key, first_line, line_count, at, words)
        select 'log', ${log.repository}, ${runId}, ${log.stepId}, ${log.key},
               ${stretch.firstLine}, ${stretch.lines.length}, ${log.at},
               ${`${repositoryWord(log.repository)} ${words}`}::tsvector
        where exists (select 1 from steps where id = ${log.stepId})`.execute(db)
    }
  }
}

async function* stretchesOf(
  logs: IndexLogsDeps['logs'],
  key: string,
  signal: AbortSignal,
  canLeaveOut: boolean,
): AsyncGenerator<Stretch> {
  // A server that starts anew is back soon; for one that is gone nobody else waits.
  if (canLeaveOut && !(await isReachable(logs, key))) return
  let stretch: Stretch = { firstLine: 1, lines: [], bytes: 0 }
  let total = 0
  for await (const chunk of logs.read(key, {}, signal)) {
    let seq = chunk.seq
    for (const line of chunk.data.toString('utf8').split('\n').slice(0, chunk.lines)) {
      const bytes = Buffer.byteLength(line) + 1
      if (stretch.lines.length === 0) stretch.firstLine = seq
      stretch.lines.push(plainText(line))
      stretch.bytes += bytes
      total += bytes
      seq += 1
      if (stretch.bytes < stretchBytes) continue
      yield stretch
      stretch = { firstLine: seq, lines: [], bytes: 0 }
    }
    if (total >= maxLogBytes) break
  }
  if (stretch.lines.length > 0) yield stretch
}

async function isReachable(logs: IndexLogsDeps['logs'], key: string): Promise<boolean> {
  try {
    await logs.requireReachable(key)
    return true
  } catch (error) {
    if (error instanceof AppError && error.code === 'unavailable') return false
    throw error
  }
}

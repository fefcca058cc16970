import type {
  ChangeRetentionRequest,
  PreviewRetentionQuery,
  PreviewRetentionResponse,
  RetentionRemoval,
  RetentionResponse,
} from '@slipway/contract/retention'
import { sql } from 'kysely'
import { requireUnlimited } from '../access/index.ts'
import { duration, InvalidValue } from '../config/parse.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { mostCounted } from './count-within.ts'
import type { RetentionDeps } from './deps.ts'
import { openKeptTimes } from './kept-times.ts'
import { type Kind, kinds, longestMs, shortestMs } from './kinds.ts'
import { listRetention, whyFixed } from './list-retention.ts'

const what = 'Times that things are kept'

/**
 * Changes for how long things are kept, from the next pass on, on every server. `invalid_request` names every
 * time that is none, that is too short or too long, and that is fixed elsewhere; then nothing is changed.
 */
export async function changeRetention(
  deps: RetentionDeps,
  input: { principal: Principal; request: ChangeRetentionRequest },
): Promise<RetentionResponse> {
  const { principal, request } = input
  requireUnlimited(principal, what)
  const times = readTimes(deps, request, { fixedToo: true })
  await deps.db.transaction().execute(async (trx) => {
    for (const [kind, ms] of times) {
      if (ms === null) {
        await sql`delete from retention_times where kind = ${kind}`.execute(trx)
        continue
      }
      await sql`
        insert into retention_times (kind, kept_ms, changed_by)
        values (${kind}, ${ms}, ${principal.name})
        on conflict (kind) do update
          set kept_ms = excluded.kept_ms, changed_by = excluded.changed_by, changed_at = now()`.execute(
        trx,
      )
    }
  })
  return listRetention(deps, { principal })
}

/** How much the next pass would remove, were things kept as long as asked. */
export async function previewRetention(
  deps: RetentionDeps,
  input: { principal: Principal; query: PreviewRetentionQuery },
): Promise<PreviewRetentionResponse> {
  const { principal, query } = input
  requireUnlimited(principal, what)
  const asked = new Map(readTimes(deps, query, { fixedToo: false }))
  const current = await openKeptTimes(deps, deps.configured).read()
  const removes: RetentionRemoval[] = []
  for (const kind of kinds) {
    const ms = asked.get(kind) ?? current[kind]
    for (const { what: name, rows } of await deps.countRemovals(kind, ms)) {
      const atLeast = rows !== null && rows > mostCounted
      removes.push({ kind, what: name, rows: atLeast ? mostCounted : rows, at_least: atLeast })
    }
  }
  return { removes }
}

/** Milliseconds of each kind that is named; null: back to what the configuration says. */
function readTimes(
  deps: RetentionDeps,
  request: ChangeRetentionRequest,
  { fixedToo }: { fixedToo: boolean },
): [Kind, number | null][] {
  const problems: { path: string; message: string }[] = []
  const times: [Kind, number | null][] = []
  for (const kind of kinds) {
    const text = request[kind]
    if (text === undefined) continue
    const problem = (message: string) => problems.push({ path: `/${kind}`, message })
    const fixed = fixedToo ? whyFixed(deps, kind) : null
    if (fixed !== null) problem(`cannot be changed here: ${fixed}`)
    if (text === null) {
      times.push([kind, null])
      continue
    }
    try {
      const ms = duration(text)
      if (ms < shortestMs || ms > longestMs) problem('must be from 1h to 3650d')
      times.push([kind, ms])
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error
      problem(error.message)
    }
  }
  if (problems.length === 0) return times
  throw new AppError('invalid_request', 'Things cannot be kept that long', { problems })
}

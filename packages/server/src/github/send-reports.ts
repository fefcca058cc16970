import { sql } from 'kysely'
import { inSpanOf } from '../correlation.ts'
import { type Duty, type DutyDeps, startDuty } from '../duties/index.ts'
import { GitHubError } from '../ports/github.ts'
import type { ReportSubject } from './note-report.ts'
import { planReportRetry } from './plan-report-retry.ts'
import { report } from './report.ts'
import type { ReportDeps } from './report-deps.ts'

interface DueReport extends ReportSubject {
  version: number
  attempt: number
  since: Date
  /** What the last news of it comes from, as `currentOrigin` told it. */
  origin: string | null
}

/** Repositories that GitHub is told about at once: one that is slow holds up no other. */
const mostLanes = 8
/** Longest time between two looks: another server may have news. */
const pollMs = 2_000

/**
 * Sends what GitHub does not know yet, one report of a repository after the other. What GitHub does not
 * take is sent again later, for a day at most; nothing else ever waits for it.
 */
export function startSending(deps: ReportDeps & DutyDeps): Duty {
  let notice = () => {}
  const duty = startDuty(deps, {
    name: 'github reports',
    everyMs: pollMs,
    run: (signal) => sendDue(deps, signal, (next) => void (notice = next)),
  })
  return {
    get held() {
      return duty.held
    },
    wake() {
      notice()
      duty.wake()
    },
    close: () => duty.close(),
  }
}

async function sendDue(
  deps: ReportDeps & DutyDeps,
  signal: AbortSignal,
  onNotice: (notice: () => void) => void,
): Promise<number> {
  const lanes = new Map<string, Promise<void>>()
  const failures: unknown[] = []
  while (!signal.aborted && failures.length === 0) {
    const noticed = new Promise<void>(onNotice)
    for (const repository of await findDue(deps, [...lanes.keys()])) {
      const lane = sendAllOf(deps, repository, signal)
        .catch((error: unknown) => void failures.push(error))
        .finally(() => lanes.delete(repository))
      lanes.set(repository, lane)
    }
    if (lanes.size === 0) break
    await Promise.race([noticed, pause(pollMs, signal), ...lanes.values()])
  }
  await Promise.all(lanes.values())
  if (failures.length > 0 && !signal.aborted) throw failures[0]
  return (await nextDueMs(deps)) ?? pollMs
}

/** Repositories with something to tell, those that waited longest first. */
async function findDue({ db }: ReportDeps, busy: readonly string[]): Promise<string[]> {
  const free = mostLanes - busy.length
  if (free <= 0) return []
  const { rows } = await sql<{ repository: string }>`
    select repository from github_reports
    where next_attempt_at <= now() and repository <> all(${busy}::text[])
    group by repository order by min(next_attempt_at) limit ${free}`.execute(db)
  return rows.map(({ repository }) => repository)
}

async function nextDueMs({ db }: ReportDeps): Promise<number | null> {
  const { rows } = await sql<{ ms: number | null }>`
    select extract(epoch from min(next_attempt_at) - now())::float8 * 1000 as ms
    from github_reports`.execute(db)
  const ms = rows[0]?.ms ?? null
  return ms === null ? null : Math.max(0, ms)
}

async function sendAllOf(
  deps: ReportDeps & DutyDeps,
  repository: string,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const { rows } = await sql<DueReport>`
      select repository, kind, subject, version, attempt, since, origin from github_reports
      where repository = ${repository} and next_attempt_at <= now()
      order by next_attempt_at, since limit 1`.execute(deps.db)
    const [due] = rows
    if (due === undefined || signal.aborted) return
    try {
      await inSpanOf(
        deps.tracer ?? null,
        due.origin,
        {
          name: `github report ${due.kind}`,
          fields: {},
          attributes: { 'slipway.attempt': due.attempt + 1 },
        },
        () => report(deps, due, signal),
      )
    } catch (error) {
      if (!(error instanceof GitHubError)) throw error
      await settleFailed(deps, due, error)
      continue
    }
    await settleSent(deps, due)
  }
}

/** Gone, unless there is news since it was looked up. */
async function settleSent(
  { db }: Pick<ReportDeps, 'db'>,
  { repository, kind, subject, version }: DueReport,
): Promise<void> {
  await sql`
    with sent as (
      delete from github_reports
      where repository = ${repository} and kind = ${kind} and subject = ${subject}
        and version = ${version}
    )
    update github_reports set attempt = 0, next_attempt_at = now()
    where repository = ${repository} and kind = ${kind} and subject = ${subject}
      and version <> ${version}`.execute(db)
}

async function settleFailed(
  { db, log }: ReportDeps & DutyDeps,
  due: DueReport,
  error: GitHubError,
): Promise<void> {
  const { repository, kind, subject } = due
  const plan = planReportRetry({
    reason: error.reason,
    attempt: due.attempt + 1,
    ageMs: Date.now() - due.since.getTime(),
    retryAfterMs: error.retryAfterMs,
    random: Math.random(),
  })
  if (plan === null) {
    log.warn(
      { repository, kind, subject, reason: error.message },
      'GitHub is not told: it does not take this',
    )
    return settleSent({ db }, due)
  }
  if (due.attempt === 0 && plan.counts) {
    log.warn({ repository, kind, subject, reason: error.message }, 'GitHub will be told later')
  }
  const later = (ms: number) => sql`now() + ${ms}::float8 * interval '1 ms'`
  await sql`
    update github_reports
    set attempt = attempt + ${plan.counts ? 1 : 0}, last_error = ${error.message},
        next_attempt_at = ${later(plan.delayMs)}
    where repository = ${repository} and kind = ${kind} and subject = ${subject}`.execute(db)
  await sql`
    update github_reports set next_attempt_at = ${later(plan.othersMs)}
    where repository = ${repository} and (kind, subject) <> (${kind}, ${subject})
      and next_attempt_at < ${later(plan.othersMs)}`.execute(db)
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done, { once: true })
  })
}

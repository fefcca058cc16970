import type { EventData, EventType } from '@slipway/contract/events'
import type { Kysely, Transaction } from 'kysely'
import { currentOrigin, detached, inSpan } from '../correlation.ts'
import type { JobNotice } from '../ports/job-bus.ts'
import type { Tables } from './tables.gen.ts'

/** An event to be written to the outbox together with what caused it. */
export interface NewEvent<T extends EventType = EventType> {
  type: T
  data: EventData<T>
  /** Who may see it: principals limited to repositories see only theirs; null: only the unlimited. */
  repository: string | null
  runId: string | null
}

/** A job to be put into the ledger together with what needs it. */
export interface NewJob {
  id: string
  type: string
  subject: string
  runId: string | null
  payload: unknown
  /** Milliseconds from the start of an attempt until the ledger ends it. */
  timeoutMs: number
  /** Default 3. */
  maxAttempts?: number
  /** Not before this moment. Default: now. */
  runAt?: Date
}

/** One transaction, with the events and jobs that commit or vanish with it. */
export interface UnitOfWork {
  readonly trx: Transaction<Tables>
  /**
   * The moment of the change: one for all rows and events of this unit, taken when it is first
   * asked for. Ask behind the locks, so that of two changes the later one has the later time.
   */
  readonly now: Date
  emit<T extends EventType>(event: NewEvent<T>): void
  enqueue(job: NewJob): void
  /** Runs after the commit, in order; not at all if it fails. Must not throw. */
  afterCommit(action: () => void): void
}

export interface UnitOfWorkDeps {
  db: Kysely<Tables>
  /** Told after a commit, so that nobody polls: the relay of events, the job bus. */
  wakeEvents: () => void
  wakeJobs: (jobs: readonly JobNotice[]) => void
}

/**
 * SQLSTATEs after which the same body, run again, does what it should: serialization failure,
 * deadlock, lock time-out, and a unique violation, whose cause it then sees.
 */
const passing: ReadonlySet<string> = new Set(['40001', '40P01', '55P03', '23505'])
const tries = 4

/**
 * Runs `body` in one transaction; its events and jobs are written last, in one statement each.
 * What lost a race with another transaction is run again, so `body` changes nothing but through `unit`.
 */
export async function transact<T>(
  deps: UnitOfWorkDeps,
  body: (unit: UnitOfWork) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await inSpan(
        'transaction',
        { kind: 'client', attributes: { 'db.system.name': 'postgresql' } },
        () => transactOnce(deps, body),
      )
    } catch (error) {
      if (attempt === tries || !isPassing(error)) throw error
    }
  }
}

async function transactOnce<T>(
  deps: UnitOfWorkDeps,
  body: (unit: UnitOfWork) => Promise<T>,
): Promise<T> {
  const events: NewEvent[] = []
  const jobs: NewJob[] = []
  const actions: (() => void)[] = []
  let now: Date | undefined
  const unit: Omit<UnitOfWork, 'trx'> = {
    get now() {
      return (now ??= new Date())
    },
    emit: (event) => void events.push(event as unknown as NewEvent),
    enqueue: (job) => void jobs.push(job),
    afterCommit: (action) => void actions.push(action),
  }
  const result = await deps.db.transaction().execute(async (trx) => {
    const value = await body(Object.assign(unit, { trx }))
    if (events.length > 0) await insertEvents(trx, events, unit.now)
    if (jobs.length > 0) await insertJobs(trx, jobs)
    return value
  })
  // What is woken works for whoever comes, and not only for this one.
  detached(() => {
    if (events.length > 0) deps.wakeEvents()
    if (jobs.length > 0) deps.wakeJobs(jobs.map(noticeOf))
    for (const action of actions) action()
  })
  return result
}

function noticeOf({ id, type, subject, runAt }: NewJob): JobNotice {
  if (runAt === undefined) return { id, type, subject }
  return { id, type, subject, delayMs: Math.max(0, runAt.getTime() - Date.now()) }
}

function isPassing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && passing.has(String(error.code))
}

async function insertEvents(trx: Transaction<Tables>, events: NewEvent[], now: Date) {
  const origin = currentOrigin()
  await trx
    .insertInto('events')
    .values(
      events.map((event) => ({
        event_type: event.type,
        repository: event.repository,
        run_id: event.runId,
        occurred_at: now,
        data: JSON.stringify(event.data),
        origin,
      })),
    )
    .execute()
}

async function insertJobs(trx: Transaction<Tables>, jobs: NewJob[]) {
  const origin = currentOrigin()
  await trx
    .insertInto('jobs')
    .values(
      jobs.map((job) => ({
        id: job.id,
        type: job.type,
        subject: job.subject,
        run_id: job.runId,
        payload: JSON.stringify(job.payload),
        timeout_ms: job.timeoutMs,
        origin,
        ...(job.maxAttempts === undefined ? {} : { max_attempts: job.maxAttempts }),
        ...(job.runAt === undefined ? {} : { run_at: job.runAt }),
      })),
    )
    .execute()
}

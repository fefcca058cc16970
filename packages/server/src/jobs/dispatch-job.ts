import type { JobReply } from '@slipway/contract/jobs'
import { type Kysely, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import { type NewJob, transact, type UnitOfWorkDeps } from '../db/unit-of-work.ts'
import type { JobBus } from '../ports/job-bus.ts'
import { isFinal, type JobState } from './job-states.ts'

/** How a job ended. */
export interface JobEnd {
  state: JobState
  /** As the ledger has it: one that was too large is a `ResultReference`. */
  result: unknown
  error: string | null
}

interface AwaitDeps {
  db: Kysely<Tables>
  /** Brings the worker's reply, if it comes by this process. */
  bus: Pick<JobBus, 'onReply'>
}

interface Waiting {
  /** Milliseconds. */
  timeoutMs: number
  signal?: AbortSignal
}

/** Milliseconds until the ledger is asked for what no reply has told. */
const firstLookMs = 250
const longestLookMs = 5000

/**
 * Enqueues a job and waits for its end: for the reply of its worker, and for the ledger, which knows it also where the
 * reply gets lost. Rejects with a `TimeoutError` when the time is over; the job goes on, and its own deadline ends it.
 */
export async function dispatchJob(
  deps: AwaitDeps & UnitOfWorkDeps,
  input: Waiting & { job: NewJob },
): Promise<JobEnd> {
  const { job, ...waiting } = input
  // Its reply may come before we have begun to wait for it.
  const replied = listen(deps.bus, job.id)
  try {
    await transact(deps, (unit) => Promise.resolve(unit.enqueue(job)))
    return await untilEnd(deps, job.id, replied, waiting)
  } finally {
    replied.forget()
  }
}

/** Waits for the end of a job of the ledger, as `dispatchJob`. */
export async function awaitJob(deps: AwaitDeps, input: Waiting & { id: string }): Promise<JobEnd> {
  const { id, ...waiting } = input
  const replied = listen(deps.bus, id)
  try {
    return (await readEnd(deps.db, id)) ?? (await untilEnd(deps, id, replied, waiting))
  } finally {
    replied.forget()
  }
}

type Replied = ReturnType<typeof listen>

function listen(bus: AwaitDeps['bus'], id: string) {
  let tell: (reply: JobReply) => void = () => {}
  const first = new Promise<JobReply>((resolve) => (tell = resolve))
  return { first, forget: bus.onReply(id, (reply) => tell(reply)) }
}

async function untilEnd(
  deps: AwaitDeps,
  id: string,
  replied: Replied,
  { timeoutMs, signal }: Waiting,
): Promise<JobEnd> {
  const late = AbortSignal.timeout(timeoutMs)
  const ending = signal === undefined ? late : AbortSignal.any([late, signal])
  const reply = replied.first.then(fromReply)
  let looks = 0
  for (let waitMs = firstLookMs; ; waitMs = Math.min(waitMs * 2, longestLookMs)) {
    // A reply is waited for once; one that leaves something open sends us to the ledger at once.
    const told = await Promise.race([...(looks === 0 ? [reply] : []), pause(waitMs, ending)])
    if (told !== undefined && told !== 'look') return told
    looks += told === 'look' ? 1 : 0
    const end = await readEnd(deps.db, id)
    if (end !== null) return end
    ending.throwIfAborted()
  }
}

/** What the reply leaves open is looked up. */
function fromReply(reply: JobReply): JobEnd | 'look' {
  const { state, result = null, result_reference: reference, error } = reply
  if (state === 'settled' || reference !== undefined) return 'look'
  return { state, result, error }
}

/** Null while it goes on. Rejects where the ledger knows no such job. */
async function readEnd(db: Kysely<Tables>, id: string): Promise<JobEnd | null> {
  const { rows } = await sql<JobEnd>`
    select state, result, error from jobs where id = ${id}::uuid
    union all
    select state, result, error from job_history where id = ${id}::uuid
    limit 1`.execute(db)
  const [row] = rows
  if (row === undefined) throw new Error(`There is no job ${id}`)
  return isFinal(row.state) ? row : null
}

function pause(ms: number, signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve(undefined)
    }
    const timer = setTimeout(done, ms)
    if (signal.aborted) done()
    else signal.addEventListener('abort', done)
  })
}

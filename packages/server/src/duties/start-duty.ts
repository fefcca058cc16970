import { type Kysely, sql } from 'kysely'
import type { Log } from '../db/log.ts'
import type { Tables } from '../db/tables.gen.ts'

export interface DutyDeps {
  db: Kysely<Tables>
  log: Log
  /** A UUID of this process: the id of its worker, so that its successor at the same home can free its leases. */
  holder: string
}

export interface DutyOptions {
  /** Unique among duties; all servers on the database share it. */
  name: string
  /** Milliseconds from the end of one run to the start of the next. */
  everyMs: number
  /**
   * Does the duty once. It may answer in how many milliseconds it wants to run again, if that is sooner
   * than `everyMs`: 0 when there is more to do. `signal` aborts when the lease is lost or the duty is
   * closed; somebody else may have it then, so `run` must be harmless if done twice.
   * A rejection is logged, and tried again after a pause.
   */
  run(signal: AbortSignal): Promise<number | void>
  /** Milliseconds that a silent holder keeps the duty. Default 15,000. */
  leaseMs?: number
}

export interface Duty {
  /** Whether this process has the lease, as far as it knows. */
  readonly held: boolean
  /** Runs now, if this process has the duty; while it runs: once more at its end. */
  wake(): void
  /** Aborts a run, waits for its end, and lets go of the lease. Never rejects. */
  close(): Promise<void>
}

const firstPauseMs = 250
const longestPauseMs = 15_000

/**
 * Keeps a duty that one server at a time must do. Whoever has the lease runs it; the others look
 * every so often whether it has become free, so a dead holder is followed within its lease.
 */
export function startDuty(deps: DutyDeps, options: DutyOptions): Duty {
  const leaseMs = options.leaseMs ?? 15_000
  const say = (error: unknown, message: string) =>
    deps.log.warn({ err: error, duty: options.name }, message)
  /** Until when (monotonic) nobody else can have it, by our own cautious clock. */
  let ours = 0
  let woken = false
  let closed = false
  let running: AbortController | null = null
  let pauseMs = firstPauseMs
  let interrupt = () => {}

  const acquire = async (): Promise<boolean> => {
    const askedAt = performance.now()
    const { rows } = await sql`
      insert into leases as lease (name, holder, expires_at)
      values (${options.name}, ${deps.holder}::uuid,
              clock_timestamp() + ${leaseMs}::float8 * interval '1 ms')
      on conflict (name) do update
        set holder = excluded.holder, expires_at = excluded.expires_at
        where lease.holder = excluded.holder or lease.expires_at < clock_timestamp()
      returning name`.execute(deps.db)
    ours = rows.length === 1 ? askedAt + leaseMs : 0
    return rows.length === 1
  }
  const held = () => ours > performance.now()
  const fresh = () => ours - performance.now() > leaseMs / 2

  /** Runs once, renewing the lease meanwhile; aborts the run when it cannot. */
  const runHolding = async (): Promise<number> => {
    const run = new AbortController()
    const lose = () => run.abort(new Error(`lost the lease of ${options.name}`))
    let renewing: Promise<unknown> = Promise.resolve()
    let busy = false
    const renew = setInterval(() => {
      if (!held()) return lose()
      if (busy) return
      busy = true
      renewing = acquire()
        .then((kept) => kept || lose())
        .catch((error: unknown) => say(error, 'The lease cannot be renewed'))
        .finally(() => void (busy = false))
    }, leaseMs / 3)
    running = run
    try {
      const sooner = await options.run(run.signal)
      return Math.min(sooner ?? options.everyMs, options.everyMs)
    } finally {
      running = null
      clearInterval(renew)
      await renewing
    }
  }
  const turn = async (): Promise<number> => {
    woken = false
    try {
      if (!fresh() && !(await acquire())) return Math.min(leaseMs, options.everyMs)
      if (closed) return 0
      const next = await runHolding()
      pauseMs = firstPauseMs
      return next
    } catch (error) {
      if (closed) return 0
      say(error, 'A duty failed')
      woken = false
      pauseMs = Math.min(pauseMs * 2, longestPauseMs)
      return pauseMs / 2
    }
  }
  const rest = (ms: number) =>
    new Promise<void>((resolve) => {
      if (woken || closed) return resolve()
      const timer = setTimeout(resolve, ms)
      interrupt = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  const keep = async () => {
    while (!closed) {
      const until = performance.now() + (await turn())
      while (!woken && !closed && performance.now() < until) {
        // While it is ours we come back in time to renew it, without running.
        await rest(Math.min(until - performance.now(), leaseMs / 3))
        if (held() && !fresh()) {
          await acquire().catch((error: unknown) => say(error, 'The lease cannot be renewed'))
        }
      }
    }
  }
  const ended = keep()

  return {
    get held() {
      return held()
    },
    wake() {
      if (!held()) return
      woken = true
      interrupt()
    },
    async close() {
      closed = true
      running?.abort(new Error(`the duty ${options.name} is closed`))
      interrupt()
      await ended
      if (ours === 0) return
      ours = 0
      await sql`delete from leases
                 where name = ${options.name} and holder = ${deps.holder}::uuid`
        .execute(deps.db)
        .catch((error: unknown) => say(error, 'A lease is left to run out'))
    },
  }
}

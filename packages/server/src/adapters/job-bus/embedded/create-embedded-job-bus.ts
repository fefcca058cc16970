import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { Log } from '../../../db/log.ts'
import type { Signals } from '../../../db/signals.ts'
import {
  giveUpMs,
  type LedgerDeps,
  openWorkLedger,
  type WorkerSignals,
} from '../../../jobs/index.ts'
import type { JobBus } from '../../../ports/job-bus.ts'
import { makeReply } from '../subscription/make-reply.ts'
import type { LedgerSubscription } from '../subscription/open-subscription.ts'
import type { ResultStore } from '../subscription/place-result.ts'
import { refuseOverlap } from '../subscription/refuse-overlap.ts'
import { createReplyListeners } from '../subscription/reply-listeners.ts'
import {
  type LedgerSubscriptionDeps,
  subscribeToLedger,
} from '../subscription/subscribe-to-ledger.ts'
import { QUEUED_CHANNEL, STOPPED_CHANNEL, WORKERS_CHANNEL } from './bus-signals.ts'

export interface EmbeddedJobBusDeps extends LedgerDeps {
  log: Log
  /** To and from other servers on the same database; absent: there are none. */
  signals?: Signals
  /** Workers of other machines that follow at this server: they are told what subscriptions here are. */
  workers?: WorkerSignals
  /** Takes results over 1 MiB of jobs that belong to a run; absent: such a job fails. */
  objects?: ResultStore
  /**
   * Milliseconds between looks at the ledger that nobody asked for: they find what a lost wake or
   * another process left, and what was taken from a holder that was not told. Default 3,000.
   */
  pollMs?: number
}

const checkMs = 2000
/** Ids that one signal carries; whoever is told of none looks up all that it holds. */
const mostTold = 80

/**
 * The job bus that is the ledger itself: workers of this process are woken by a function call,
 * those of other processes by a signal, and claim for themselves.
 */
export function createEmbeddedJobBus(deps: EmbeddedJobBusDeps): JobBus {
  const id = randomUUID()
  const pollMs = deps.pollMs ?? 3000
  const subscriptions = new Set<LedgerSubscription>()
  const unlisten: (() => void)[] = []
  const signals = deps.signals
  const ledger = openWorkLedger(deps)
  const replies = createReplyListeners()
  const served = {
    ledger,
    log: deps.log,
    isOwned: (type: string) => deps.owners[type] !== undefined,
    pollMs,
    ...(deps.objects === undefined ? {} : { objects: deps.objects }),
    onEnded: ({ id: jobId }, end) => {
      const jobEnd = end?.jobEnd ?? null
      if (jobEnd !== null && replies.has(jobId)) replies.call(makeReply(jobId, jobEnd))
    },
  } satisfies LedgerSubscriptionDeps
  let closed = false
  /** Whether a worker of another process is alive; a signal costs too much to be sent to nobody. */
  let others = false
  let lookForOthers: NodeJS.Timeout | null = null

  const ended = (subscription: LedgerSubscription) => subscriptions.delete(subscription)
  const all = (act: (subscription: LedgerSubscription) => void) => {
    for (const subscription of subscriptions) act(subscription)
  }

  function tellOthers(channel: string, ids: readonly string[] = []) {
    const told = ids.length > mostTold ? [] : ids
    if (!closed) signals?.notify(channel, [id, ...told].join(' '))
  }

  async function refreshOthers() {
    const own = [...subscriptions].map(({ options }) => options.workerId)
    const mine = [...own, ...(deps.workers?.followers ?? [])]
    try {
      const { rows } = await sql<{ found: boolean }>`
        select exists (
          select from workers
           where id <> all (${mine}::uuid[]) and cardinality(types) > 0
             and last_seen_at > now() - ${giveUpMs}::integer * interval '1 ms') as found`.execute(
        deps.db,
      )
      others = rows[0]?.found ?? false
    } catch {
      // Telling nobody in vain is the smaller harm.
      others = true
    }
  }

  function listen(current: Signals) {
    const fromOthers = (act: (ids: readonly string[]) => void) => (payload: string | null) => {
      const [by, ...ids] = payload?.split(' ') ?? []
      if (by !== id && !closed) act(ids)
    }
    unlisten.push(
      current.on(
        QUEUED_CHANNEL,
        fromOthers(() => {
          all((subscription) => subscription.wake())
          deps.workers?.queued(null)
        }),
      ),
      current.on(
        STOPPED_CHANNEL,
        fromOthers((ids) => {
          const stopped = new Set(ids)
          all((subscription) => {
            subscription.cancel(stopped)
            subscription.doubt()
          })
          deps.workers?.stopped(ids.length === 0 ? null : ids)
        }),
      ),
      current.on(
        WORKERS_CHANNEL,
        fromOthers(() => void (others = true)),
      ),
    )
    lookForOthers = setInterval(() => void refreshOthers(), pollMs)
  }

  return {
    name: 'embedded',
    async open() {
      if (signals === undefined) return
      listen(signals)
      await refreshOthers()
    },
    wake(jobs) {
      if (jobs.length === 0 || closed) return
      all((subscription) => {
        if (jobs.some((job) => subscription.options.types.includes(job.type))) subscription.wake()
      })
      deps.workers?.queued([...new Set(jobs.map(({ type }) => type))])
      if (others) tellOthers(QUEUED_CHANNEL)
    },
    subscribe(options) {
      if (closed) throw new Error('The job bus is closed')
      refuseOverlap(subscriptions, options)
      const subscription = subscribeToLedger(served, options)
      subscriptions.add(subscription)
      subscription.wake()
      tellOthers(WORKERS_CHANNEL)
      return {
        get active() {
          return subscription.active
        },
        abandon: () => subscription.abandon(),
        drain: () => subscription.drain().finally(() => ended(subscription)),
        close: () => subscription.close().finally(() => ended(subscription)),
      }
    },
    cancel(jobIds) {
      if (jobIds.length === 0 || closed) return
      const ids = new Set(jobIds)
      all((subscription) => subscription.cancel(ids))
      deps.workers?.stopped(jobIds)
      if (others) tellOthers(STOPPED_CHANNEL, jobIds)
    },
    onReply: (jobId, listener) => replies.add(jobId, listener),
    async check() {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => reject(new Error('The database does not answer')), checkMs)
      })
      try {
        await Promise.race([sql`select 1`.execute(deps.db), late])
      } finally {
        clearTimeout(timer)
      }
    },
    async close() {
      closed = true
      for (const stop of unlisten.splice(0)) stop()
      if (lookForOthers !== null) clearInterval(lookForOthers)
      await Promise.all([...subscriptions].map((subscription) => subscription.close()))
      subscriptions.clear()
    },
  }
}

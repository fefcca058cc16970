import type { Log } from '../../../db/log.ts'
import { giveUpMs, type WorkLedger } from '../../../jobs/index.ts'
import type { JobBus } from '../../../ports/job-bus.ts'
import type { WorkerApi } from '../../../ports/worker-api.ts'
import type { LedgerSubscription } from '../subscription/open-subscription.ts'
import type { ResultStore } from '../subscription/place-result.ts'
import { refuseOverlap } from '../subscription/refuse-overlap.ts'
import { subscribeToLedger } from '../subscription/subscribe-to-ledger.ts'
import { followSignals } from './follow-signals.ts'

export interface RemoteJobBusDeps {
  /** The ledger by HTTP. */
  ledger: WorkLedger
  api: WorkerApi
  /** Registered before the bus is opened. */
  workerId: string
  log: Log
  /** Takes results over 1 MiB of jobs that belong to a run; absent: such a job fails. */
  objects?: ResultStore
  /** Told that this worker is to take no new jobs. */
  onDrain?: () => void
  /** Milliseconds between looks at the ledger that nobody asked for. Default 5,000. */
  pollMs?: number
}

/**
 * The job bus of a worker that has neither the database nor NATS: it claims for itself, woken by a stream of
 * its server. Nobody is woken through it.
 */
export function createRemoteJobBus(deps: RemoteJobBusDeps): JobBus {
  const subscriptions = new Set<LedgerSubscription>()
  const closing = new AbortController()
  const { ledger, log } = deps
  const served = {
    ledger,
    log,
    // The server knows which rooms want to be told of the end of a job.
    isOwned: () => true,
    pollMs: deps.pollMs ?? 5_000,
    ...(deps.objects === undefined ? {} : { objects: deps.objects }),
  }
  let following: Promise<void> | null = null
  let heardAt = Number.NEGATIVE_INFINITY

  const all = (act: (subscription: LedgerSubscription) => void) => {
    for (const subscription of subscriptions) act(subscription)
  }

  return {
    name: 'remote',
    async open() {
      following ??= followSignals(
        deps,
        {
          opened() {
            // What was said before, nobody has heard.
            all((subscription) => {
              subscription.doubt()
              subscription.wake()
            })
          },
          heard: () => void (heardAt = performance.now()),
          signal(signal) {
            if (signal.type === 'drain') deps.onDrain?.()
            if (signal.type === 'stopped') {
              const { jobs } = signal
              all((subscription) =>
                jobs === null ? subscription.doubt() : subscription.cancel(new Set(jobs)),
              )
            }
            if (signal.type !== 'queued') return
            const { types } = signal
            all((subscription) => {
              const isServed = subscription.options.types.some((type) => types?.includes(type))
              if (types === null || isServed) subscription.wake()
            })
          },
        },
        closing.signal,
      )
    },
    wake() {},
    subscribe(options) {
      if (closing.signal.aborted) throw new Error('The job bus is closed')
      refuseOverlap(subscriptions, options)
      const subscription = subscribeToLedger(served, options)
      subscriptions.add(subscription)
      const ended = () => void subscriptions.delete(subscription)
      subscription.wake()
      return {
        get active() {
          return subscription.active
        },
        abandon: () => subscription.abandon(),
        drain: () => subscription.drain().finally(ended),
        close: () => subscription.close().finally(ended),
      }
    },
    cancel() {},
    onReply: () => () => {},
    async check() {
      if (performance.now() - heardAt > giveUpMs) throw new Error('The server does not answer')
    },
    async close() {
      await Promise.all([...subscriptions].map((subscription) => subscription.close()))
      subscriptions.clear()
      closing.abort(new Error('The job bus is closed'))
      await following
    },
  }
}

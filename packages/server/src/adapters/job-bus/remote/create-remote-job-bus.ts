import type { WorkerSignal } from '@slipway/contract/worker-api'
import type { Log } from '../../../db/log.ts'
import type { WorkLedger } from '../../../jobs/index.ts'
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
  log: Log
  /** Takes results over 1 MiB of jobs that belong to a run; absent: such a job fails. */
  objects?: ResultStore
  /** Told that this worker is to take no new jobs. */
  onDrain?: () => void
  /** Milliseconds between looks at the ledger that nobody asked for. Default 5,000. */
  pollMs?: number
}

/** Milliseconds in which a server that is there answers. */
const checkMs = 5_000

/**
 * The job bus of a worker that has neither the database nor NATS: it claims for itself, woken by a stream of
 * its server. Workers are registered before they subscribe. Nobody is woken through it.
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
  /** By worker: what follows its stream. */
  const following = new Map<string, Promise<void>>()

  function follow(workerId: string): Promise<void> {
    const all = (act: (subscription: LedgerSubscription) => void) => {
      for (const each of subscriptions) if (each.options.workerId === workerId) act(each)
    }
    const listener = {
      opened() {
        // What was said before, nobody has heard.
        all((subscription) => {
          subscription.doubt()
          subscription.wake()
        })
      },
      signal(signal: WorkerSignal) {
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
    }
    return followSignals({ ...deps, workerId }, listener, closing.signal)
  }

  return {
    name: 'remote',
    async open() {},
    wake() {},
    subscribe(options) {
      if (closing.signal.aborted) throw new Error('The job bus is closed')
      refuseOverlap(subscriptions, options)
      const subscription = subscribeToLedger(served, options)
      subscriptions.add(subscription)
      const ended = () => void subscriptions.delete(subscription)
      const { workerId } = options
      if (!following.has(workerId)) following.set(workerId, follow(workerId))
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
      const { status, body } = await deps.api.request('GET', '/livez', {
        signal: AbortSignal.timeout(checkMs),
      })
      body.resume()
      if (status !== 200) throw new Error(`The server answered ${status}`)
    },
    async close() {
      await Promise.all([...subscriptions].map((subscription) => subscription.close()))
      subscriptions.clear()
      closing.abort(new Error('The job bus is closed'))
      await Promise.all(following.values())
    },
  }
}

import type { SubscribeOptions } from '../../../ports/job-bus.ts'
import type { JobSource } from './job-source.ts'
import { createLedgerSource } from './ledger-source.ts'
import { type LedgerSubscription, openSubscription } from './open-subscription.ts'
import type { ReporterDeps } from './report-outcome.ts'

export interface LedgerSubscriptionDeps extends ReporterDeps {
  /** Milliseconds between looks at the ledger that nobody asked for. */
  pollMs: number
  /** Told of every attempt that is over. */
  onEnded?: JobSource['ended']
}

/** A subscription that claims the oldest jobs of the ledger whenever it is woken. */
export function subscribeToLedger(
  deps: LedgerSubscriptionDeps,
  options: SubscribeOptions,
): LedgerSubscription {
  return openSubscription(
    { ...deps, openSource: (events) => createLedgerSource(deps, options, events) },
    options,
  )
}

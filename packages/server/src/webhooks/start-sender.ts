import { setMaxListeners } from 'node:events'
import { detached } from '../correlation.ts'
import { claimDeliveries, nextDueMs } from './claim-deliveries.ts'
import { makeTraced, type TracedDeliveryDeps } from './make-traced.ts'
import { openConnections } from './post-json.ts'

/**
 * Makes deliveries as they fall due.
 *
 * Concurrency: each webhook has places of its own, so one that hangs holds up nobody else; with at most
 * 100 webhooks, that bounds the whole. Any number of servers can send: a claim is one server's alone.
 * Failure: what cannot be claimed or written down is tried again after a pause.
 */
export interface Sender {
  /** Something may be due. Returns at once; any number of calls cost one look. */
  wake(): void
  /** Gives what is under way a moment, then stops it; it is due again at once. Never rejects. */
  close(): Promise<void>
}

export interface SenderOptions {
  /** Attempts that one webhook may have under way in this process. Default 8. */
  perWebhook?: number
  /** Milliseconds. Default 10,000. */
  timeoutMs?: number
  /** Longest time between two looks, for what another server left. Default 5,000. */
  pollMs?: number
  /** What is under way may take so long at the end, in milliseconds. Default 2,000. */
  graceMs?: number
}

/** Added to an attempt's time: for reading the answer's body and writing down what came of it. */
const leaseSlackMs = 5_000
const pauseMs = 1_000
/** What is due and was not had is another server's at this very moment. */
const leastWaitMs = 10

export function startSender(
  deps: Omit<TracedDeliveryDeps, 'connections' | 'timeoutMs'>,
  options: SenderOptions = {},
): Sender {
  const { perWebhook = 8, timeoutMs = 10_000, pollMs = 5_000, graceMs = 2_000 } = options
  const connections = openConnections()
  const stopping = new AbortController()
  // One for each attempt under way.
  setMaxListeners(0, stopping.signal)
  const busy = new Map<string, number>()
  const underWay = new Set<Promise<void>>()
  /** Webhooks of which more may be due than had a place. */
  const crowded = new Set<string>()
  let asked = false
  let closed = false
  let looking: Promise<void> | null = null
  let timer: NodeJS.Timeout | undefined

  const leave = (webhookId: string) => {
    const count = (busy.get(webhookId) ?? 1) - 1
    if (count === 0) busy.delete(webhookId)
    else busy.set(webhookId, count)
    if (crowded.has(webhookId)) wake()
  }

  const take = async () => {
    const leaseMs = timeoutMs + leaseSlackMs
    const claimed = await claimDeliveries(deps.db, { perWebhook, busy, leaseMs })
    crowded.clear()
    for (const delivery of claimed) {
      const { webhook_id: webhookId } = delivery
      const count = (busy.get(webhookId) ?? 0) + 1
      busy.set(webhookId, count)
      const made = makeTraced({ ...deps, connections, timeoutMs }, delivery, stopping.signal)
        .catch((error: unknown) =>
          deps.log.warn(
            { err: error, delivery_id: delivery.id },
            'a delivery could not be recorded',
          ),
        )
        .finally(() => {
          underWay.delete(made)
          leave(webhookId)
        })
      underWay.add(made)
    }
    // What still has places has nothing more that is due; what has none is looked at when one is free.
    for (const [webhookId, count] of busy) if (count >= perWebhook) crowded.add(webhookId)
  }

  const look = async () => {
    let next = pollMs
    try {
      while (asked && !closed) {
        asked = false
        await take()
      }
      if (!closed) next = Math.min(pollMs, (await nextDueMs(deps.db, [...crowded])) ?? pollMs)
    } catch (error) {
      if (!closed) deps.log.warn({ err: error }, 'webhook deliveries could not be claimed')
      next = pauseMs
    }
    looking = null
    if (closed) return
    if (asked) return wake()
    clearTimeout(timer)
    timer = setTimeout(wake, Math.max(next, leastWaitMs))
    timer.unref()
  }

  function wake() {
    asked = true
    if (!closed) looking ??= detached(look)
  }

  wake()
  return {
    wake,
    async close() {
      closed = true
      clearTimeout(timer)
      await looking
      const rest = setTimeout(() => stopping.abort(), graceMs)
      await Promise.all(underWay)
      clearTimeout(rest)
      connections.close()
    },
  }
}

import type { Msg } from '@nats-io/transport-node'
import type { Log } from '../../../db/log.ts'
import type { ClaimedAttempt, WorkLedger } from '../../../jobs/index.ts'
import type { SubscribeOptions } from '../../../ports/job-bus.ts'
import { holdKey } from '../subscription/hold.ts'
import type { JobSource, SourceEvents } from '../subscription/job-source.ts'
import { type Delivery, readAckSubject, takeDelivery } from './delivery.ts'
import { ackWaitMs } from './ensure-streams.ts'
import { readEnvelope } from './envelope.ts'
import type { NatsLayout } from './layout.ts'
import type { NatsLink } from './open-link.ts'
import { openPuller, type Puller } from './open-puller.ts'
import type { Replier } from './reply.ts'

/** Milliseconds after which what the ledger refused is claimed again. */
const refusedMs = 500
/** After so many refusals another worker may try. */
const maxRefusals = 10
/** Milliseconds that a message waits for a slot here, before another worker may have it. */
const excessMs = 1000

/**
 * Claims the jobs that messages are about. A message stays ours, by signs of life, until its job's attempt is over
 * and replied to; then it is acknowledged. Messages are fetched when there are slots for them; where there are none
 * to fetch, one more of each type is waited for, and given back if it comes when the slots are taken.
 */
export function createMessageSource(
  deps: {
    link: NatsLink
    layout: NatsLayout
    ledger: WorkLedger
    log: Log
    reply: Replier
    /** Whether there are streams to fetch from, as far as we know. */
    isReady: () => boolean
  },
  options: Pick<SubscribeOptions, 'workerId' | 'types'>,
  events: SourceEvents & { free(): number },
): JobSource {
  const { link, ledger, log } = deps
  const { workerId, types } = options
  /** Fetched, and not claimed. */
  let buffer: Delivery[] = []
  /** Their claim is under way. */
  let claiming: readonly Delivery[] = []
  /** Refused, though queued. */
  const refused: Delivery[] = []
  /** Of jobs in hand, by attempt. */
  const held = new Map<string, Delivery>()
  const giving = new Set<Promise<void>>()
  let retry: NodeJS.Timeout | null = null
  let excess: NodeJS.Timeout | null = null
  let stopped = false

  const pullers: Puller[] = types.flatMap((type) => {
    const stream = deps.layout.byType.get(type)
    if (stream === undefined) return []
    return [openPuller(link, stream, { onMessage: receive, onIdle: () => events.wake() })]
  })
  const stopListening = link.onConnected(() => events.wake())
  const canFetch = () => link.connection !== null && deps.isReady()
  const keepAlive = setInterval(() => {
    for (const some of [held.values(), buffer, claiming, refused]) {
      for (const delivery of some) delivery.working()
    }
  }, ackWaitMs / 3)

  function receive(message: Msg) {
    const from = readAckSubject(message.reply)
    if (from === null) return
    const head = readEnvelope(message.data)
    if (head === null) {
      log.error({ subject: message.subject }, 'A message that is no job was thrown away')
      if (link.connection !== null) message.respond('+TERM')
      return
    }
    const delivery = takeDelivery(link, message, head, from)
    if (knows(delivery)) return
    if (stopped) return give([delivery])
    buffer.push(delivery)
    if (countWaiting() > events.free()) excess ??= setTimeout(giveExcess, excessMs)
  }

  /** Whether it is a further delivery of a message that we have, and go on having. */
  function knows({ key }: Delivery): boolean {
    for (const some of [held.values(), buffer, claiming, refused]) {
      for (const delivery of some) if (delivery.key === key) return true
    }
    return false
  }

  const countWaiting = () => buffer.length + claiming.length + refused.length

  function giveExcess() {
    excess = null
    const tooMany = countWaiting() - Math.max(0, events.free())
    if (tooMany > 0) give(buffer.splice(-tooMany))
  }

  function give(deliveries: readonly Delivery[]) {
    for (const delivery of deliveries) {
      const given = delivery.requeue().finally(() => giving.delete(given))
      giving.add(given)
    }
  }

  async function fill(limit: number): Promise<void> {
    let wanted = limit - buffer.length - refused.length
    pullers.push(...pullers.splice(0, 1))
    const empty: Puller[] = []
    try {
      for (const puller of pullers) {
        if (wanted <= 0 || stopped) return
        if (puller.busy) continue
        const got = await puller.fetch(wanted)
        if (got < wanted) empty.push(puller)
        wanted -= got
      }
    } finally {
      if (wanted > 0 && !stopped) for (const puller of empty) if (!puller.busy) puller.arm()
    }
  }

  async function fillOrFail(limit: number): Promise<Error | null> {
    try {
      await fill(limit)
      return null
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  /** What the ledger refuses is over or in other hands, unless it says that it is queued: then it has to stay. */
  async function settleRefused(deliveries: readonly Delivery[]): Promise<void> {
    const ids = [...new Set(deliveries.map(({ jobId }) => jobId))]
    let queued: ReadonlySet<string>
    try {
      queued = new Set(await ledger.listQueued({ ids }))
    } catch {
      events.onFailure()
      queued = new Set(ids)
    }
    for (const delivery of deliveries) {
      if (!queued.has(delivery.jobId)) delivery.ack()
      else if (stopped || ++delivery.refusals > maxRefusals) give([delivery])
      else refused.push(delivery)
    }
    if (refused.length > 0 && !stopped) {
      retry ??= setTimeout(() => {
        retry = null
        buffer = [...refused.splice(0), ...buffer]
        events.wake()
      }, refusedMs)
    }
  }

  async function claimAll(batch: readonly Delivery[]): Promise<ClaimedAttempt[]> {
    const only = [...new Set(batch.map(({ jobId }) => jobId))]
    claiming = batch
    let jobs: ClaimedAttempt[]
    try {
      jobs = await ledger.claim({ workerId, types, limit: only.length, only })
    } catch (error) {
      buffer = [...batch, ...buffer]
      throw error
    } finally {
      claiming = []
    }
    const attempts = new Map(jobs.map((job) => [job.id, job]))
    const rest: Delivery[] = []
    for (const delivery of batch) {
      const job = attempts.get(delivery.jobId)
      if (job === undefined) rest.push(delivery)
      else if (held.has(holdKey(job))) delivery.ack()
      else held.set(holdKey(job), delivery)
    }
    if (rest.length > 0) await settleRefused(rest)
    return jobs
  }

  return {
    async claim(limit) {
      const failure = canFetch() ? await fillOrFail(limit) : null
      const batch = buffer.splice(0, limit)
      if (batch.length === 0 && failure !== null && canFetch()) throw failure
      const jobs = batch.length === 0 ? [] : await claimAll(batch)
      const canAsk = canFetch() && pullers.some(({ busy }) => !busy)
      // Slots that refused jobs wait for are not asked for others; a timer comes back to them.
      const isWaiting = jobs.length < limit && refused.length >= limit - jobs.length
      return { jobs, more: buffer.length > 0 || (canAsk && !isWaiting) }
    },
    async giveBack(jobs) {
      if (jobs.length === 0) return
      await ledger.giveBack({ workerId, attempts: jobs })
      for (const job of jobs) {
        const delivery = held.get(holdKey(job))
        held.delete(holdKey(job))
        if (delivery !== undefined) give([delivery])
      }
    },
    ended(job, end) {
      const delivery = held.get(holdKey(job))
      held.delete(holdKey(job))
      // Without an acknowledgement it is delivered again, and the ledger decides.
      if (delivery === undefined || end === null) return
      if (end.jobEnd === null) return delivery.ack()
      const told = deps
        .reply(delivery.replyTo, job, end.jobEnd)
        .finally(() => delivery.ack())
        .finally(() => giving.delete(told))
      giving.add(told)
    },
    // A retry is a message of its own.
    retryIn() {},
    async stop() {
      stopped = true
      stopListening()
      for (const timer of [retry, excess]) if (timer !== null) clearTimeout(timer)
      await Promise.all(pullers.map((puller) => puller.close()))
      give([...buffer.splice(0), ...refused.splice(0)])
      await Promise.all(giving)
    },
    async close() {
      clearInterval(keepAlive)
      await Promise.all(giving)
    },
  }
}

import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiError,
  JetStreamApiCodes,
  type JetStreamManager,
  jetstreamManager,
  ReplayPolicy,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import type { NatsLayout } from './layout.ts'

/** Deliveries of one message that nobody acknowledged, before it becomes a dead letter. */
export const maxDeliver = 3
/** Milliseconds that a delivery may stay without any sign of its worker. */
export const ackWaitMs = 15_000

const nanos = 1_000_000
const duplicateWindowMs = 120_000
/** Jobs in hand of one type, of all workers together. */
const maxAckPending = 50_000
const maxWaiting = 4096
/**
 * What nobody fetched for so long goes: its job is over, done by a worker that has no NATS. A job that waits for
 * longer is found without a message, and gets another.
 */
const jobDays = 3
const dayMs = 86_400_000
const deadLetterDays = 30
const maxDeadLetters = 100_000
/** Milliseconds in which a job that is told of twice becomes one dead letter. */
const deadLetterWindowMs = 600_000

export async function manage(connection: NatsConnection): Promise<JetStreamManager> {
  return await jetstreamManager(connection, { checkAPI: false, timeout: 5000 })
}

/** Makes streams and consumers that are missing and mends the others; answers the types whose streams were made now. */
export async function ensureStreams(
  connection: NatsConnection,
  layout: NatsLayout,
  options: { replicas: number },
): Promise<string[]> {
  const jsm = await manage(connection)
  const made: string[] = []
  const common = { storage: StorageType.File, num_replicas: options.replicas }
  for (const { type, stream, root, consumer } of layout.byType.values()) {
    const isNew = await ensureStream(jsm, {
      ...common,
      name: stream,
      subjects: [`${root}.>`],
      retention: RetentionPolicy.Workqueue,
      max_age: jobDays * dayMs * nanos,
      duplicate_window: duplicateWindowMs * nanos,
    })
    if (isNew) made.push(type)
    await ensureConsumer(jsm, stream, { durable_name: consumer, max_deliver: maxDeliver })
  }
  const { deadLetters, undelivered } = layout
  await ensureStream(jsm, {
    ...common,
    name: deadLetters.stream,
    subjects: [`${deadLetters.root}.>`],
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    max_age: deadLetterDays * dayMs * nanos,
    max_msgs: maxDeadLetters,
    duplicate_window: deadLetterWindowMs * nanos,
  })
  await ensureStream(jsm, {
    ...common,
    name: undelivered.stream,
    subjects: [...layout.byType.values()].map(
      ({ stream, consumer }) => `$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.${stream}.${consumer}`,
    ),
    retention: RetentionPolicy.Workqueue,
    duplicate_window: duplicateWindowMs * nanos,
  })
  // What a server could not deal with is dealt with later, however often.
  const { stream, consumer } = undelivered
  await ensureConsumer(jsm, stream, { durable_name: consumer, max_deliver: -1 })
  return made
}

async function ensureStream(
  jsm: JetStreamManager,
  config: Partial<StreamConfig> & { name: string; subjects: string[]; num_replicas: number },
): Promise<boolean> {
  const info = await present(jsm.streams.info(config.name))
  if (info === null) {
    await jsm.streams.add(config)
    return true
  }
  const { name, subjects, num_replicas, max_age = 0 } = config
  const there = info.config
  const asWanted =
    there.num_replicas === num_replicas &&
    there.max_age === max_age &&
    there.subjects.join() === subjects.join()
  if (!asWanted) await jsm.streams.update(name, { subjects, num_replicas, max_age })
  return false
}

async function ensureConsumer(
  jsm: JetStreamManager,
  stream: string,
  { durable_name: name, max_deliver }: { durable_name: string; max_deliver: number },
): Promise<void> {
  const tuned = {
    max_deliver,
    ack_wait: ackWaitMs * nanos,
    max_ack_pending: maxAckPending,
  } satisfies Partial<ConsumerConfig>
  const info = await present(jsm.consumers.info(stream, name))
  if (info === null) {
    await jsm.consumers.add(stream, {
      durable_name: name,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      replay_policy: ReplayPolicy.Instant,
      max_waiting: maxWaiting,
      ...tuned,
    })
    return
  }
  const { config } = info
  const asWanted =
    config.max_deliver === tuned.max_deliver &&
    config.ack_wait === tuned.ack_wait &&
    config.max_ack_pending === tuned.max_ack_pending
  if (!asWanted) await jsm.consumers.update(stream, name, tuned)
}

/** Null for a stream, consumer or message that there is none of. */
export async function present<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof JetStreamApiError && absent.has(error.code)) return null
    throw error
  }
}

const absent: ReadonlySet<number> = new Set([
  JetStreamApiCodes.StreamNotFound,
  JetStreamApiCodes.ConsumerNotFound,
  JetStreamApiCodes.NoMessageFound,
])

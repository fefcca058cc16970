import type { JobBusStatus } from '../../../ports/job-bus.ts'
import { manage, present } from './ensure-streams.ts'
import type { JobStream, NatsLayout } from './layout.ts'
import type { NatsLink } from './open-link.ts'

/** Rejects when NATS does not answer. A stream that is not there is left out. */
export async function measureBus(link: NatsLink, layout: NatsLayout): Promise<JobBusStatus> {
  const { connection } = link
  if (connection === null) throw link.failure ?? new Error('There is no connection to NATS')
  const jsm = await manage(connection)
  const pending = new Map<string, number>()
  const unacknowledged = new Map<string, number>()
  const redelivered = new Map<string, number>()
  const ask = async ({ type, stream, consumer }: JobStream) => {
    const info = await present(jsm.consumers.info(stream, consumer))
    if (info === null) return
    pending.set(type, info.num_pending)
    unacknowledged.set(type, info.num_ack_pending)
    // Every delivery has a number of its own, every message the one it has in the stream.
    const { consumer_seq: deliveries, stream_seq: messages } = info.delivered
    redelivered.set(type, Math.max(0, deliveries - messages))
  }
  await Promise.all([...layout.byType.values()].map(ask))
  const letters = await present(jsm.streams.info(layout.deadLetters.stream))
  const deadLetters = letters?.state.messages ?? 0
  return { connected: true, pending, unacknowledged, redelivered, deadLetters }
}

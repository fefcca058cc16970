import { randomUUID } from 'node:crypto'
import { jetstream } from '@nats-io/jetstream'
import type { Msg } from '@nats-io/transport-node'
import type { EnvelopeHead } from './envelope.ts'
import type { NatsLink } from './open-link.ts'

/** A message that a consumer gave us and that nobody has acknowledged. */
export interface Delivery extends EnvelopeHead {
  /** Of the message in its stream: the same for every delivery of it. */
  key: string
  /** 1 for the first. */
  count: number
  subject: string
  data: Uint8Array
  /** How often the ledger has refused it although its job is queued. */
  refusals: number
  ack(): void
  /** It is no job: never deliver it again. */
  term(): void
  /** Somebody works on it. */
  working(): void
  /**
   * Puts the same into the stream as a new message, which has all its deliveries before it, and
   * acknowledges this one. Never rejects: what fails is delivered again by itself.
   */
  requeue(): Promise<void>
}

/** Null: it does not come from a consumer. */
export function readAckSubject(reply: string | undefined): {
  stream: string
  consumer: string
  count: number
  sequence: string
} | null {
  // $JS.ACK.[domain.account.]stream.consumer.count.sequence.consumer-sequence.time.pending[.token]
  const tokens = reply?.split('.') ?? []
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK') return null
  const at = tokens.length >= 11 ? 4 : 2
  const [stream, consumer, count, sequence] = tokens.slice(at)
  if (stream === undefined || consumer === undefined || sequence === undefined) return null
  return { stream, consumer, count: Number(count), sequence }
}

export function takeDelivery(
  link: NatsLink,
  message: Msg,
  head: EnvelopeHead,
  from: NonNullable<ReturnType<typeof readAckSubject>>,
): Delivery {
  // While there is no connection it gets lost, and the message comes again.
  const respond = (word: string) => {
    if (link.connection !== null) message.respond(word)
  }
  const { subject, data } = message
  return {
    ...head,
    key: `${from.stream}:${from.sequence}`,
    count: from.count,
    subject,
    data,
    refusals: 0,
    ack: () => respond('+ACK'),
    term: () => respond('+TERM'),
    working: () => respond('+WPI'),
    async requeue() {
      const { connection } = link
      if (connection === null) return
      try {
        const msgID = `${head.jobId}:${head.attempt}:${randomUUID()}`
        await jetstream(connection).publish(subject, data, { msgID, timeout: requeueMs })
        respond('+ACK')
      } catch {
        respond('-NAK')
      }
    },
  }
}

const requeueMs = 2000

import { createInbox, headers, type Msg } from '@nats-io/transport-node'
import type { NatsLink } from './open-link.ts'

/** Stores messages in streams, many at a time; the library's own way takes a request, a timer and an error each. */
export interface StreamWriter {
  /**
   * Answers of each whether a stream has it now (or had it already, by its id). Never rejects: what is not
   * answered in time, or by a stream, was perhaps not stored.
   */
  store(messages: readonly StreamMessage[]): Promise<{ stored: boolean[]; failure: Error | null }>
  close(): Promise<void>
}

export interface StreamMessage {
  subject: string
  text: string
  /** Streams drop a second message of the same id within two minutes. */
  id: string
}

const answerMs = 5000

interface Batch {
  stored: boolean[]
  left: number
  failure: Error | null
  end(): void
}

export function openStreamWriter(link: NatsLink): StreamWriter {
  const inbox = createInbox()
  const waiting = new Map<string, { batch: Batch; index: number }>()
  let next = 0

  const subscription = link.subscribe(`${inbox}.*`, (message) => {
    const token = message.subject.slice(inbox.length + 1)
    const sent = waiting.get(token)
    if (sent === undefined) return
    waiting.delete(token)
    const { batch, index } = sent
    const failure = readFailure(message)
    if (failure === null) batch.stored[index] = true
    else batch.failure = failure
    if (--batch.left === 0) batch.end()
  })
  // Answers to what was sent by a connection do not come by the next one.
  const forget = link.onConnected(() => {
    const batches = new Set([...waiting.values()].map(({ batch }) => batch))
    for (const batch of batches) batch.end()
  })

  return {
    store(messages) {
      const { connection } = link
      const stored = messages.map(() => false)
      if (connection === null) return Promise.resolve({ stored, failure: link.failure })
      if (messages.length === 0) return Promise.resolve({ stored, failure: null })
      return new Promise((resolve) => {
        const tokens: string[] = []
        const batch: Batch = {
          stored,
          left: messages.length,
          failure: null,
          end() {
            clearTimeout(timer)
            for (const token of tokens) waiting.delete(token)
            const late = batch.left > 0 ? new Error('NATS does not answer') : null
            resolve({ stored, failure: batch.failure ?? late })
          },
        }
        const timer = setTimeout(() => batch.end(), answerMs)
        for (const [index, { subject, text, id }] of messages.entries()) {
          const token = String(next++)
          tokens.push(token)
          waiting.set(token, { batch, index })
          const head = headers()
          head.set('Nats-Msg-Id', id)
          connection.publish(subject, text, { reply: `${inbox}.${token}`, headers: head })
        }
      })
    },
    async close() {
      forget()
      const batches = new Set([...waiting.values()].map(({ batch }) => batch))
      for (const batch of batches) batch.end()
      await subscription.close()
    },
  }
}

function readFailure(message: Msg): Error | null {
  if (message.headers?.code === 503) return new Error('There is no stream for it')
  try {
    const answer = JSON.parse(Buffer.from(message.data).toString()) as {
      error?: { description?: string }
    }
    return answer.error === undefined ? null : new Error(answer.error.description ?? 'refused')
  } catch {
    return new Error('NATS gives an answer that is none')
  }
}

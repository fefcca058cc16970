import { SocketAnswer } from '@slipway/contract/pipeline-socket'
import fc from 'fast-check'
import Value from 'typebox/value'
import { expect, it } from 'vitest'
import { answerMessage } from './answer-message.ts'

const timestamp = '2025-01-01T10:05:00.000Z'
const channel = fc.oneof(fc.constantFrom('pipelines', 'builds', '__proto__'), fc.string())
const message = fc.record(
  {
    type: fc.oneof(
      fc.constantFrom(
        'phase2.subscribe',
        'phase2.unsubscribe',
        'phase2.list-subscriptions',
        'subscribe',
        'unsubscribe',
        'ping',
        'toString',
      ),
      fc.jsonValue(),
    ),
    channels: fc.oneof(fc.array(channel), fc.jsonValue()),
    channel: fc.oneof(channel, fc.jsonValue()),
  },
  { requiredKeys: [] },
)

it('answers whatever a client sends, in the shapes of the contract', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          message.map((given) => JSON.stringify(given)),
          fc.string(),
        ),
      ),
      (texts) => {
        const subscriptions = new Set<string>()
        for (const text of texts) {
          const before = new Set(subscriptions)
          const answer = { ...answerMessage(subscriptions, text), timestamp }
          expect(Value.Errors(SocketAnswer, answer)).toEqual([])
          // Nothing is heard that does not exist, and only what was asked for changes anything.
          expect([...subscriptions].filter((name) => name !== 'pipelines')).toEqual([])
          if (!answer.type.endsWith('subscribed')) expect(subscriptions).toEqual(before)
        }
      },
    ),
  )
})

import { type SocketAnswer, SocketMessage } from '@slipway/contract/pipeline-socket'
import Value from 'typebox/value'
import { isChannel } from './channels.ts'

type WithoutTime<T> = T extends unknown ? Omit<T, 'timestamp'> : never
type Answer = WithoutTime<SocketAnswer>

/**
 * What a client's message is answered with, a time besides. `subscriptions`, the channels that it hears,
 * are changed as it says.
 */
export function answerMessage(subscriptions: Set<string>, text: string): Answer {
  const given = parse(text)
  if (given === undefined) return { type: 'error', message: 'A message is one JSON object' }
  if (!Value.Check(SocketMessage, given)) return { type: 'error', message: explain(given) }
  switch (given.type) {
    case 'phase2.subscribe':
      return subscribe(subscriptions, given.channels)
    case 'subscribe':
      return subscribe(subscriptions, [given.channel])
    case 'phase2.unsubscribe':
      return unsubscribe(subscriptions, given.channels)
    case 'unsubscribe':
      return unsubscribe(subscriptions, [given.channel])
    case 'phase2.list-subscriptions':
      return { type: 'phase2.subscriptions', subscriptions: [...subscriptions] }
    case 'ping':
      return { type: 'pong' }
  }
}

function subscribe(subscriptions: Set<string>, channels: readonly string[]): Answer {
  const { known, unknown } = sort(channels)
  for (const channel of known) subscriptions.add(channel)
  return { type: 'phase2.subscribed', subscribed: known, failed: unknown }
}

function unsubscribe(subscriptions: Set<string>, channels: readonly string[]): Answer {
  const { known, unknown } = sort(channels)
  for (const channel of known) subscriptions.delete(channel)
  return { type: 'phase2.unsubscribed', unsubscribed: known, failed: unknown }
}

function sort(channels: readonly string[]) {
  const each = [...new Set(channels)]
  return {
    known: each.filter((channel) => isChannel(channel)),
    unknown: each.filter((channel) => !isChannel(channel)),
  }
}

function parse(text: string): object | undefined {
  try {
    const given: unknown = JSON.parse(text)
    return typeof given === 'object' && given !== null && !Array.isArray(given) ? given : undefined
  } catch {
    return undefined
  }
}

/** What else a message of this type must have. */
const needs: Readonly<Record<string, string>> = {
  'phase2.subscribe': '"channels", a list of 1 to 50 names',
  'phase2.unsubscribe': '"channels", a list of 1 to 50 names',
  subscribe: '"channel", a name',
  unsubscribe: '"channel", a name',
  'phase2.list-subscriptions': 'nothing',
  ping: 'nothing',
}

function explain(given: object): string {
  const type: unknown = 'type' in given ? given.type : undefined
  const need = typeof type === 'string' && Object.hasOwn(needs, type) ? needs[type] : undefined
  if (need !== undefined) return `${String(type)} needs ${need}`
  return `"type" must be one of ${Object.keys(needs).join(', ')}`
}

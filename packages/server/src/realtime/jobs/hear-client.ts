import type {
  JobSocketEvents,
  SubscriptionAnswer,
  SubscriptionEvent,
} from '@slipway/contract/job-socket'
import type { DefaultEventsMap, Socket } from 'socket.io'
import type { Principal } from '../../ports/identity.ts'
import type { Admission } from '../authenticate-socket.ts'
import { isSubscription, readRepository } from './read-subscription.ts'

export interface ClientData {
  admission: Admission
}

/** A client that was let in. */
export type Client = Socket<DefaultEventsMap, JobSocketEvents, DefaultEventsMap, ClientData>

/** Where whoever subscribes to a repository is; GitHub takes names in any case of letters. */
export function roomOf(repository: string): string {
  return `repository ${repository.toLowerCase()}`
}

/**
 * Takes what a client says from now on: it goes into the rooms of the repositories that it subscribes to
 * and may see, and leaves them. What is refused is an event `error`, and the acknowledgement, if it
 * asked for one, says so too.
 */
export function hearClient(client: Client, { maxRepositories }: { maxRepositories: number }): void {
  for (const event of ['subscribe:repository', 'unsubscribe:repository'] as const) {
    client.on(event, (...given: unknown[]) => hear(event, given))
  }
  // The document's envelope, sent as it is.
  client.on('message', (...given: unknown[]) => {
    const event = eventOf(given[0])
    if (event !== null) return hear(event, given)
    client.emit('error', { code: 'invalid_request', error: 'This is no subscription' })
  })

  function hear(event: SubscriptionEvent, given: readonly unknown[]): void {
    const answer = change(event, given[0])
    const acknowledge = given.at(-1)
    if (isAcknowledgement(acknowledge)) acknowledge(answer)
    if (!answer.success) client.emit('error', { code: answer.code, error: answer.error, event })
  }

  function change(event: SubscriptionEvent, given: unknown): SubscriptionAnswer {
    const repository = readRepository(event, given)
    if (repository === null) {
      return refuse('invalid_request', `${event} needs a repository as owner/name`)
    }
    const room = roomOf(repository)
    const answer: SubscriptionAnswer = { success: true, data: { repository } }
    if (event === 'unsubscribe:repository') {
      void client.leave(room)
      return answer
    }
    if (!sees(client.data.admission.principal, repository)) {
      return refuse('authorization_failed', `This token is not for the repository ${repository}`)
    }
    // Its own room is one of them.
    if (!client.rooms.has(room) && client.rooms.size > maxRepositories) {
      return refuse('limit_exceeded', `More than ${maxRepositories} repositories`)
    }
    void client.join(room)
    return answer
  }
}

/** socket.io puts a function behind what was sent, if the client asked for one. */
function isAcknowledgement(given: unknown): given is (answer: SubscriptionAnswer) => void {
  return typeof given === 'function'
}

function eventOf(envelope: unknown): SubscriptionEvent | null {
  const isEnvelope = typeof envelope === 'object' && envelope !== null && 'event' in envelope
  return isEnvelope && isSubscription(envelope.event) ? envelope.event : null
}

function sees({ repositories }: Principal, repository: string): boolean {
  const name = repository.toLowerCase()
  return repositories === null || repositories.some((each) => each.toLowerCase() === name)
}

function refuse(code: string, error: string): SubscriptionAnswer {
  return { success: false, code, error }
}

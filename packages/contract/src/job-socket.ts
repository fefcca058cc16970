import Type, { type Static } from 'typebox'
import { DelegationStatus } from './delegations.ts'
import { Uuid } from './fields.ts'

// Events and subscriptions of the socket.io connection. Source: GitHub-RunnerHub API Reference,
// "WebSocket Events". Answers to subscriptions are ours.

/** Of `job:delegated` and `job:status`: what a delegated job is now. */
export const JobMessage = Type.Object(
  {
    jobId: Uuid,
    repository: Type.String(),
    status: DelegationStatus,
  },
  { $id: 'JobMessage' },
)
export type JobMessage = Static<typeof JobMessage>

/** What a client asks for; `data` is a repository as owner/name. */
export type SubscriptionEvent = 'subscribe:repository' | 'unsubscribe:repository'

/** Why something was refused, or a connection is ended; also what a refused handshake has as `data`. */
export interface JobSocketRefusal {
  /** As in `/v1`: invalid_request, authentication_failed, authorization_failed, limit_exceeded, … */
  code: string
  /** For people. */
  error: string
}

/** What an acknowledgement is called with, for clients that ask for one. */
export type SubscriptionAnswer =
  | { success: true; data: { repository: string } }
  | ({ success: false } & JobSocketRefusal)

/** By name, what clients are sent. `error` comes too where nobody asked for an acknowledgement. */
export interface JobSocketEvents {
  'job:delegated': (message: JobMessage) => void
  'job:status': (message: JobMessage) => void
  error: (refusal: JobSocketRefusal & { event?: SubscriptionEvent }) => void
}

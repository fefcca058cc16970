import { createInbox } from '@nats-io/transport-node'
import type { JobReply } from '@slipway/contract/jobs'
import type { Log } from '../../../db/log.ts'
import type { WorkLedger } from '../../../jobs/index.ts'
import type { JobBus, JobBusStatus } from '../../../ports/job-bus.ts'
import { type LedgerSubscription, openSubscription } from '../subscription/open-subscription.ts'
import type { ResultStore } from '../subscription/place-result.ts'
import { refuseOverlap } from '../subscription/refuse-overlap.ts'
import { createReplyListeners } from '../subscription/reply-listeners.ts'
import { layOut } from './layout.ts'
import { measureBus } from './measure-bus.ts'
import { createMessageSource } from './message-source.ts'
import type { NatsOptions } from './nats-options.ts'
import { type LinkSubscription, openLink } from './open-link.ts'
import { createReplier } from './reply.ts'
import { createServerHalf, type ServerHalfDeps } from './server-half.ts'

export interface NatsJobBusDeps {
  connection: NatsOptions
  log: Log
  /** Of the database where there is one, else of requests to a server. */
  ledger: WorkLedger
  /** Whether a room wants to be told how jobs of this type end; where nobody knows, yes. */
  isOwned: (type: string) => boolean
  /** Takes results over 1 MiB of jobs that belong to a run; absent: such a job fails. */
  objects?: ResultStore
  /** Milliseconds between looks at what the ledger says that we hold. Default 5,000. */
  pollMs?: number
  /** Of a server. Absent: `wake` does nothing, streams must be there, and `keep` has nothing to do. */
  server?: ServerHalfDeps
}

export interface NatsJobBus extends JobBus {
  /**
   * The duty of one server at a time: streams that are missing are made, queued jobs that have no message
   * are published, what could not be delivered is ended. Answers in how many milliseconds it wants to be called again.
   */
  keep(): Promise<number | void>
  /** Called whenever there is something for `keep` to do. */
  onKeep(listener: () => void): void
  status(): Promise<JobBusStatus>
}

/**
 * The job bus that goes by NATS JetStream. A message says that there is a job; claiming it from the ledger by its
 * id decides. So messages may be lost, doubled or late. `open` does not wait for NATS: while it is away, jobs
 * wait in the ledger, and those in hand go on.
 */
export function createNatsJobBus(deps: NatsJobBusDeps): NatsJobBus {
  const { log, ledger, connection: options } = deps
  const { prefix } = options
  const layout = layOut(prefix)
  const role = deps.server === undefined ? 'worker' : 'server'
  const link = openLink({ log, options, name: `slipway-${role}` })
  const inbox = createInbox()
  const subscriptions = new Set<LedgerSubscription>()
  const replies = createReplyListeners()
  const objects = deps.objects === undefined ? {} : { objects: deps.objects }
  const reply = createReplier({ link, log, ...objects })
  const server =
    deps.server === undefined
      ? null
      : createServerHalf({ ...deps.server, log, link, layout, prefix, inbox })
  let listening: LinkSubscription | null = null
  let closed = false

  const isReady = () => server?.isReady() ?? true
  server?.onReady(() => {
    for (const subscription of subscriptions) subscription.wake()
  })
  const ended = (subscription: LedgerSubscription) => subscriptions.delete(subscription)

  return {
    name: 'nats',
    open() {
      link.subscribe(layout.stopSubject, ({ data }) => {
        const ids = new Set(readIds(data))
        for (const subscription of subscriptions) subscription.cancel(ids)
      })
      return Promise.resolve()
    },
    wake(jobs) {
      if (!closed) server?.wake(jobs)
    },
    subscribe(wanted) {
      if (closed) throw new Error('The job bus is closed')
      refuseOverlap(subscriptions, wanted)
      const subscription = openSubscription(
        {
          ledger,
          log,
          isOwned: deps.isOwned,
          ...objects,
          pollMs: deps.pollMs ?? 5000,
          openSource: (events) =>
            createMessageSource({ link, layout, ledger, log, reply, isReady }, wanted, events),
        },
        wanted,
      )
      subscriptions.add(subscription)
      subscription.wake()
      return {
        get active() {
          return subscription.active
        },
        abandon: () => subscription.abandon(),
        drain: () => subscription.drain().finally(() => ended(subscription)),
        close: () => subscription.close().finally(() => ended(subscription)),
      }
    },
    cancel(jobIds) {
      if (jobIds.length === 0 || closed) return
      server?.cancel(jobIds)
      const ids = new Set(jobIds)
      for (const subscription of subscriptions) subscription.cancel(ids)
      for (let from = 0; from < jobIds.length; from += idsAtOnce) {
        const some = jobIds.slice(from, from + idsAtOnce)
        link.connection?.publish(layout.stopSubject, JSON.stringify(some))
      }
    },
    onReply(jobId, listener) {
      const forget = replies.add(jobId, listener)
      // Replies that nobody waits for are not sent here.
      listening ??= link.subscribe(`${inbox}.*`, ({ subject, data }) => {
        const id = subject.slice(inbox.length + 1)
        if (replies.has(id)) replies.call({ ...readReply(data), job_id: id })
      })
      return () => {
        forget()
        if (replies.size > 0) return
        void listening?.close()
        listening = null
      }
    },
    async publishEvent(type, json) {
      const { connection, failure } = link
      if (connection === null) throw failure ?? new Error('There is no connection to NATS')
      connection.publish(layout.eventSubject(type), json)
      await connection.flush()
    },
    async check() {
      const { connection, failure } = link
      if (connection === null) throw failure ?? new Error('There is no connection to NATS')
      await connection.flush()
      server?.requireReady()
    },
    keep: async () => await server?.keep(),
    onKeep: (listener) => server?.onKeep(listener),
    status: () => measureBus(link, layout),
    async close() {
      closed = true
      await Promise.all([...subscriptions].map((subscription) => subscription.close()))
      subscriptions.clear()
      await server?.close()
      await link.close()
    },
  }
}

/** Well below the smallest limit on a message. */
const idsAtOnce = 500

function readIds(data: Uint8Array): string[] {
  try {
    const read: unknown = JSON.parse(Buffer.from(data).toString())
    return Array.isArray(read) ? read.filter((id) => typeof id === 'string') : []
  } catch {
    return []
  }
}

function readReply(data: Uint8Array): Omit<JobReply, 'job_id'> {
  try {
    return JSON.parse(Buffer.from(data).toString()) as JobReply
  } catch {
    return { state: 'settled', error: null }
  }
}

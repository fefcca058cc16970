import { errorCodes } from '@slipway/contract/vocabulary'
import type {
  JobMessage as JobData,
  JobSocketRefusal,
  SubscriptionAnswer,
} from '@slipway/contract/job-socket'
import { io, type Socket } from 'socket.io-client'
import { SlipwayError } from '../slipway-error.ts'
import type { Transport } from '../transport.ts'
import { wait } from '../wait.ts'
import { type Connection, followSocket, type SubscribeOptions } from './follow-socket.ts'
import { createInbox } from './inbox.ts'

/** Which delegated jobs are wanted. */
export interface JobSubscription {
  /** Of these repositories, owner/name; the server takes 100. */
  repositories: readonly string[]
}

/** What happened to a delegated job: it is there, or in another state. */
export interface JobMessage {
  event: 'job:delegated' | 'job:status'
  data: JobData
}

const events = ['job:delegated', 'job:status'] as const
/** Messages that a reader may be behind. */
const mostWaiting = 10_000
/** The server takes 100 messages of a client within ten seconds. */
const atOnce = 90
const windowMs = 10_000

/** What happens to delegated jobs, from each opening of the connection on. */
export function followJobs(
  transport: Transport,
  { repositories }: JobSubscription,
  options: SubscribeOptions,
): AsyncGenerator<JobMessage, void, undefined> {
  const names = [...new Map(repositories.map((name) => [name.toLowerCase(), name])).values()]
  return followSocket(transport, (signal) => connect(transport, names, signal), options)
}

/** One connection of socket.io, by a WebSocket or, where these do not pass, by requests that wait. */
async function connect(
  transport: Transport,
  repositories: readonly string[],
  signal: AbortSignal,
): Promise<Connection<JobMessage>> {
  const { origin, pathname } = transport.address({ path: 'socket.io' })
  const token = await transport.token()
  signal.throwIfAborted()
  const socket = io(origin, {
    path: pathname,
    forceNew: true,
    // It is the loop around that comes back.
    reconnection: false,
    autoConnect: false,
    transports: ['websocket', 'polling'],
    tryAllTransports: true,
    timeout: transport.timeoutMs,
    extraHeaders: { ...transport.headers },
    ...(token === undefined ? {} : { auth: { token } }),
  })
  const inbox = createInbox<JobMessage>(mostWaiting, () => socket.disconnect())
  const leave = () => {
    inbox.close(lost('The connection was given up'))
    socket.disconnect()
  }
  signal.addEventListener('abort', leave, { once: true })
  socket.once('disconnect', (reason) => {
    signal.removeEventListener('abort', leave)
    inbox.close(lost(`The connection is over: ${reason}`))
  })
  for (const event of events) socket.on(event, (data: JobData) => inbox.put({ event, data }))
  try {
    await opening(socket, transport.timeoutMs, signal)
    for (const [index, repository] of repositories.entries()) {
      if (index > 0 && index % atOnce === 0) await wait(windowMs, signal)
      await subscribe(socket, repository, transport.timeoutMs)
    }
  } catch (error) {
    leave()
    throw error
  }
  return { next: () => inbox.take() }
}

function opening(socket: Socket, timeoutMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      clearTimeout(deadline)
      reject(lost('The connection was given up'))
    }
    let deadline: ReturnType<typeof setTimeout> | undefined
    const settled = () => {
      clearTimeout(deadline)
      signal.removeEventListener('abort', leave)
    }
    signal.addEventListener('abort', leave, { once: true })
    // There is a connection, and nobody has said yet whether it is one for us.
    socket.io.once('open', () => {
      const late = () => reject(lost(`Nobody was let in within ${timeoutMs} ms`))
      deadline = setTimeout(late, timeoutMs)
    })
    socket.once('connect', () => {
      settled()
      resolve()
    })
    socket.once('connect_error', (error: Error & { data?: unknown }) => {
      settled()
      reject(isRefusal(error.data) ? refused(error.data) : lost(`No socket.io: ${textOf(error)}`))
    })
    socket.connect()
  })
}

async function subscribe(socket: Socket, repository: string, timeoutMs: number): Promise<void> {
  const asked: Promise<SubscriptionAnswer> = socket
    .timeout(timeoutMs)
    .emitWithAck('subscribe:repository', repository)
  const answer = await asked.catch((error: unknown) => {
    throw lost(`No answer to a subscription: ${String(error)}`)
  })
  if (!answer.success) throw refused(answer)
}

function isRefusal(data: unknown): data is JobSocketRefusal {
  const { code, error } = (data ?? {}) as Partial<JobSocketRefusal>
  return typeof code === 'string' && typeof error === 'string'
}

function refused({ code, error }: JobSocketRefusal): SlipwayError {
  const status = Object.entries(errorCodes).find(([known]) => known === code)?.[1] ?? 400
  return new SlipwayError({ status, code, message: error })
}

function lost(message: string): SlipwayError {
  return new SlipwayError({ status: 0, code: 'network_error', message })
}

/** "websocket error" and the like say less than what lies beneath. */
function textOf(error: Error): string {
  const { description } = error as { description?: unknown }
  const beneath = (description as { message?: unknown } | undefined)?.message
  return typeof beneath === 'string' ? `${error.message}: ${beneath}` : error.message
}

import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import type { JobMessage, JobSocketRefusal, SubscriptionAnswer } from '@slipway/contract/job-socket'
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client'

/** The official client, and what it was told. */
export interface JobClient {
  readonly socket: Socket
  /** Names and messages of jobs, oldest first. */
  readonly told: (readonly [name: string, message: JobMessage])[]
  readonly errors: JobSocketRefusal[]
  /** Why it was disconnected. */
  readonly disconnected: Promise<string>
  /** Sends it and waits for the acknowledgement. */
  ask(event: string, ...given: unknown[]): Promise<SubscriptionAnswer>
}

type Options = Partial<ManagerOptions & SocketOptions> & { token?: string }

/** Listens from the start: what comes right behind the connection is told, too. */
export function openClient(url: string, { token, ...options }: Options = {}): JobClient {
  const socket = io(url, {
    forceNew: true,
    reconnection: false,
    ...(token === undefined ? {} : { auth: { token } }),
    ...options,
  })
  const told: [string, JobMessage][] = []
  const errors: JobSocketRefusal[] = []
  for (const name of ['job:delegated', 'job:status']) {
    socket.on(name, (message: JobMessage) => told.push([name, message]))
  }
  socket.on('error', (refusal: JobSocketRefusal) => errors.push(refusal))
  const disconnected = new Promise<string>((resolve) => void socket.on('disconnect', resolve))
  return {
    socket,
    told,
    errors,
    disconnected,
    ask: (event, ...given) =>
      socket.timeout(10_000).emitWithAck(event, ...given) as Promise<SubscriptionAnswer>,
  }
}

/** Resolves when it is connected; rejects with what it was refused with, `data` among it. */
export async function connectClient(url: string, options?: Options): Promise<JobClient> {
  const client = openClient(url, options)
  await new Promise<void>((resolve, reject) => {
    client.socket.once('connect', resolve)
    client.socket.once('connect_error', reject)
  }).catch((error: unknown) => {
    client.socket.disconnect()
    throw error
  })
  return client
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import WebSocket, { type ClientOptions } from 'ws'

const waitMs = 10_000

type Message = Record<string, unknown> & { type: string }

/** A client of a socket, gone after the test. */
export interface SocketClient {
  readonly socket: WebSocket
  /** Everything that came, oldest first. */
  readonly messages: readonly Message[]
  send(message: unknown): void
  /** The first message, of those to come or not yet taken, that the condition holds for. */
  take(wanted: (message: Message) => boolean): Promise<Message>
  /** Sends a message, and answers the next one of this type. */
  ask(message: unknown, type: string): Promise<Message>
  /** How it was closed. */
  closed: Promise<{ code: number; reason: string }>
}

/** Opens a socket; rejects with what the server said of it by HTTP where it is refused. */
export async function connectSocket(
  url: string,
  { token, ...options }: ClientOptions & { token?: string } = {},
  protocols: readonly string[] = [],
): Promise<SocketClient> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const headers = { ...authorization, ...options.headers }
  const client = openSocket(url, protocols, { ...options, headers })
  const { socket } = client
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
    socket.once('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const { statusCode: status, headers } = response
        const body = Buffer.concat(chunks).toString()
        reject(Object.assign(new Error(`refused: ${status} ${body}`), { status, headers, body }))
        socket.terminate()
      })
    })
  })
  return client
}

function openSocket(
  url: string,
  protocols: readonly string[],
  options: ClientOptions,
): SocketClient {
  const socket = new WebSocket(new URL('', url.replace(/^http/, 'ws')), [...protocols], options)
  onTestFinished(() => socket.terminate())
  const messages: Message[] = []
  let taken = 0
  socket.on('message', (data: Buffer) => {
    messages.push(JSON.parse(data.toString()) as Message)
    socket.emit('told')
  })
  socket.on('error', () => {})
  const client: SocketClient = {
    socket,
    messages,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    async take(wanted) {
      const signal = AbortSignal.timeout(waitMs)
      for (;;) {
        while (taken < messages.length) {
          const message = messages[taken++]
          if (message !== undefined && wanted(message)) return message
        }
        await once(socket, 'told', { signal })
      }
    },
    async ask(message, type) {
      client.send(message)
      return client.take((answer) => answer.type === type)
    },
    closed: new Promise((resolve) => {
      socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }))
    }),
  }
  return client
}

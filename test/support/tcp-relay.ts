import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Stands before a server, and breaks its connections. */
export interface TcpRelay {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  /** Breaks every connection. While `isOpen` is false, new ones are broken, too. */
  cut(): void
  isOpen: boolean
  /** Hands nothing on from now on, and keeps the connections. */
  freeze(): void
  close(): Promise<void>
}

export async function startTcpRelay(target: string): Promise<TcpRelay> {
  const { hostname, port } = new URL(target)
  const open = new Set<Socket>()
  const keep = (socket: Socket) => {
    open.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => open.delete(socket))
  }
  const server = createServer((client) => {
    keep(client)
    if (!relay.isOpen) return void client.destroy()
    const onward = connect(Number(port), hostname)
    keep(onward)
    client.pipe(onward).pipe(client)
    client.once('close', () => onward.destroy())
    onward.once('close', () => client.destroy())
    return undefined
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const relay: TcpRelay = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    isOpen: true,
    cut() {
      for (const socket of open) socket.destroy()
    },
    freeze() {
      for (const socket of open) socket.unpipe().pause()
    },
    async close() {
      relay.cut()
      server.close()
      await once(server, 'close')
    },
  }
  return relay
}

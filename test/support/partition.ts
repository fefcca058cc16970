import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface Partition {
  /** `http://127.0.0.1:<port>`; what goes there goes on to the target. */
  readonly url: string
  /** From now on nothing passes, and no connection is told of it, as where a cable is cut. */
  begin(): void
  /** Connections from before stay as dead as they were; new ones pass. */
  end(): void
  close(): Promise<void>
}

/** Stands between two machines that may lose each other. `target` is asked for at each connection. */
export async function startPartition(target: () => string): Promise<Partition> {
  const sockets = new Set<Socket>()
  let isCut = false
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
  }
  const server = createServer((inner) => {
    keep(inner)
    if (isCut) {
      inner.pause()
      return
    }
    const { hostname, port } = new URL(target())
    const outer = connect(Number(port), hostname)
    keep(outer)
    inner.pipe(outer).pipe(inner)
    outer.once('close', () => !isCut && inner.destroy())
    inner.once('close', () => !isCut && outer.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    begin() {
      isCut = true
      for (const socket of sockets) {
        socket.unpipe()
        socket.pause()
      }
    },
    end() {
      isCut = false
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

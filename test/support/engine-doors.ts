import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Another way to an engine that listens on a socket of this machine. */
export interface EngineDoor {
  port: number
  /** Breaks off all connections that are open. */
  cut(): void
  close(): Promise<void>
}

/** An engine by TCP, and what asks for BuildKit's session is told that there is none where that is wanted. */
export async function openTcpDoor(
  socketPath: string,
  options: { withoutSessions?: boolean } = {},
): Promise<EngineDoor> {
  const { withoutSessions = false } = options
  return openDoor(
    createServer((client) => {
      client.once('data', (first: Buffer) => {
        if (withoutSessions && /^POST \S*\/session /.test(first.toString('latin1'))) {
          client.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
          return
        }
        joinSockets(client, socketPath, first)
      })
    }),
  )
}

/** An engine by TLS, which knows its clients by their certificates. */
export async function openTlsDoor(
  socketPath: string,
): Promise<EngineDoor & { certificates: Record<'ca' | 'cert' | 'key', Buffer> }> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-door-'))
  const openssl = (args: string) => run('openssl', args.split(' '), { cwd: folder })
  const read = (name: string) => readFile(join(folder, name))
  try {
    const curve = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2'
    await openssl(`req -x509 ${curve} -keyout ca.key -out ca.pem -subj /CN=authority`)
    await writeFile(join(folder, 'names'), 'subjectAltName=IP:127.0.0.1\n')
    for (const name of ['engine', 'client']) {
      await openssl(`req -new ${curve} -keyout ${name}.key -out ${name}.csr -subj /CN=${name}`)
      await openssl(
        `x509 -req -in ${name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out ${name}.pem`,
      )
    }
    const ca = await read('ca.pem')
    const server = createTlsServer(
      {
        ca,
        cert: await read('engine.pem'),
        key: await read('engine.key'),
        requestCert: true,
        rejectUnauthorized: true,
      },
      (client) => joinSockets(client, socketPath),
    )
    const certificates = { ca, cert: await read('client.pem'), key: await read('client.key') }
    return { ...(await openDoor(server)), certificates }
  } finally {
    await rm(folder, { recursive: true })
  }
}

function joinSockets(client: Socket, socketPath: string, first?: Buffer): void {
  const engine = connect(socketPath)
  if (first !== undefined) engine.write(first)
  client.pipe(engine).pipe(client)
  client.on('error', () => engine.destroy())
  client.on('close', () => engine.destroy())
  engine.on('error', () => client.destroy())
}

async function openDoor(server: Server): Promise<EngineDoor> {
  const clients = new Set<Socket>()
  server.on('connection', (client: Socket) => {
    clients.add(client)
    client.on('close', () => clients.delete(client))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const client of clients) client.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    async close() {
      const closed = once(server, 'close')
      server.close()
      cut()
      await closed
    },
  }
}

import { EventEmitter, once } from 'node:events'
import { type IncomingMessage, get } from 'node:http'
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { StartupError } from '../../packages/server/src/errors.ts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Listener, listen } from '../../packages/server/src/http/listen.ts'

let app: FastifyInstance
let listener: Listener | undefined
let logged: string[]
const host = '127.0.0.1'

beforeEach(() => {
  app = Fastify()
  app.get('/', async () => 'here')
  app.get('/endless', (_request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200)
    reply.raw.write('begun')
  })
  logged = []
})
afterEach(async () => {
  await listener?.close()
  await app.close()
  listener = undefined
})

async function start(
  options: {
    host?: string
    port?: number
    compatPorts?: number[]
    graceMs?: number
    requestMs?: number
  } = {},
) {
  const log = pino({}, { write: (line: string) => void logged.push(line) })
  listener = await listen({ app, log }, { host, port: 0, compatPorts: [], ...options })
  return listener
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function read(port: number): Promise<string> {
  return (await fetch(`http://${host}:${port}/`)).text()
}

async function openStream(port: number): Promise<IncomingMessage> {
  const [response] = (await once(get({ host, port, path: '/endless' }), 'response')) as [
    IncomingMessage,
  ]
  await once(response, 'data')
  return response
}

describe('listening', () => {
  it('serves the same application on further ports', async () => {
    const compatPort = await freePort()
    const { port, url, servers } = await start({ compatPorts: [compatPort] })
    expect(url).toBe(`http://${host}:${port}`)
    expect(servers).toHaveLength(2)
    expect([await read(port), await read(compatPort)]).toEqual(['here', 'here'])
  })

  it('warns of a further port that is taken, and serves all the same', async () => {
    const other = createServer().listen(0, host)
    await once(other, 'listening')
    const taken = (other.address() as AddressInfo).port
    const { port, servers } = await start({ compatPorts: [taken] })
    expect(servers).toHaveLength(1)
    expect(await read(port)).toBe('here')
    expect(JSON.parse(logged.join(''))).toMatchObject({ level: 40, port: taken })
    other.close()
  })

  it('refuses an address that this machine does not have', async () => {
    await expect(start({ host: '192.0.2.1' })).rejects.toThrow(/EADDRNOTAVAIL.*Set HOST/)
  })

  it('refuses a main port that is taken', async () => {
    const other = createServer().listen(0, host)
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    await expect(start({ port })).rejects.toThrow(StartupError)
    await expect(start({ port })).rejects.toThrow(/the port is taken.*set PORT/)
    other.close()
  })
})

describe('closing', () => {
  it('takes no new connections and ends idle ones, on every port', async () => {
    const compatPort = await freePort()
    const { port, close } = await start({ compatPorts: [compatPort] })
    const idle: Socket[] = []
    for (const each of [port, compatPort]) {
      const socket = connect(each, host)
      idle.push(socket)
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
      await once(socket, 'data')
    }
    const ended = Promise.all(idle.map((socket) => once(socket.resume(), 'close')))
    await close()
    await ended
    for (const each of [port, compatPort]) await expect(read(each)).rejects.toThrow('fetch failed')
  })

  it('lets an answer under way end', async () => {
    const slow = new EventEmitter()
    app.get('/slow', async () => {
      slow.emit('begun')
      await once(slow, 'finish')
      return 'done'
    })
    const { port, close } = await start()
    const begun = once(slow, 'begun')
    const answer = fetch(`http://${host}:${port}/slow`)
    await begun
    const closed = close()
    slow.emit('finish')
    expect(await (await answer).text()).toBe('done')
    await closed
  })

  it('ends streams that do not end by themselves, on every port', async () => {
    const compatPort = await freePort()
    const { port, close } = await start({ compatPorts: [compatPort], graceMs: 50 })
    const streams = await Promise.all([openStream(port), openStream(compatPort)])
    const broken = Promise.all(
      streams.map((stream) => once(stream.resume(), 'error').then(([error]) => error.code)),
    )
    await close()
    expect(await broken).toEqual(['ECONNRESET', 'ECONNRESET'])
  })

  it('may be repeated', async () => {
    const { close } = await start()
    await Promise.all([close(), close()])
    await close()
  })
})

describe('a request that does not come to its end', () => {
  /** Sends the head of an upload and the beginning of its body, and answers how the connection ended. */
  async function sendHalf(port: number, path: string): Promise<Socket> {
    const socket = connect(port, host)
    socket.on('error', () => {})
    // What is not read keeps a connection from being seen to end.
    socket.resume()
    socket.write(`PUT ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf`)
    await once(socket, 'connect')
    return socket
  }

  it('is ended after a time, on every port; uploads of workers see to that themselves', async () => {
    const compatPort = await freePort()
    app.addContentTypeParser('*', (_request, body, done) => done(null, body))
    app.put('/v1/workers/:id/objects/*', (request, reply) => {
      reply.hijack()
      request.raw.resume()
    })
    const { port } = await start({ compatPorts: [compatPort], requestMs: 50 })
    app.server.on('request', (request) => request.resume())
    const upload = await sendHalf(port, '/v1/workers/1/objects/a/b')
    for (const each of [port, compatPort]) {
      const slow = await sendHalf(each, '/v1/runs')
      await once(slow, 'close')
    }
    expect(upload.closed).toBe(false)
    upload.destroy()
  })

  it('is ended likewise once it is answered, though it is an upload', async () => {
    const { port } = await start({ requestMs: 50 })
    const refused = await sendHalf(port, '/v1/workers/1/objects/a/b')
    await once(refused, 'close')
  })

  it('is not one whose answer takes long', async () => {
    const { port } = await start({ requestMs: 20 })
    const response = await fetch(`http://${host}:${port}/endless`)
    const reader = response.body!.getReader()
    expect(Buffer.from((await reader.read()).value).toString()).toBe('begun')
    // Others that are slower than that have been ended meanwhile.
    await once(await sendHalf(port, '/'), 'close')
    expect(response.bodyUsed).toBe(true)
    const rest = reader.read()
    await listener?.close()
    await rest.catch(() => undefined)
  })
})

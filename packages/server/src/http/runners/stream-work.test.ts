import { once } from 'node:events'
import { request as ask } from 'node:http'
import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import { expect, it, onTestFinished } from 'vitest'
import { streamWork } from './stream-work.ts'

it('begins nothing for a reader that has gone before', async () => {
  const app = fastify()
  onTestFinished(() => app.close())
  let hasCome = () => {}
  const come = new Promise<void>((resolve) => (hasCome = resolve))
  let tell: (isGivenUp: boolean) => void = () => {}
  const told = new Promise<boolean>((resolve) => (tell = resolve))
  let released = 0
  app.post('/', async (request, reply) => {
    hasCome()
    await once(reply.raw, 'close')
    const work = async (_listener: unknown, signal: AbortSignal) => {
      tell(signal.aborted)
      signal.throwIfAborted()
    }
    const { signal } = new AbortController()
    return streamWork({ request, reply }, { work, release: () => void (released += 1), signal })
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const asking = ask({ host: '127.0.0.1', port, method: 'POST' })
  asking.on('error', () => {})
  asking.end()
  await come
  asking.destroy()
  expect(await told).toBe(true)
  await expect.poll(() => released).toBe(1)
})

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { errorOf, take } from '../../../../test/support/scripted-server.ts'
import { createClient } from '../index.ts'

it('does not come back before the time that a refusal asks for, and gives up where that is too late', async () => {
  let upgrades = 0
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  server.on('upgrade', (_request, socket) => {
    upgrades += 1
    const head = ['HTTP/1.1 503 Service Unavailable', 'retry-after: 3600', 'content-length: 0']
    socket.end(`${head.join('\r\n')}\r\n\r\n`)
  })
  await once(server, 'listening')
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = createClient({ baseUrl, retries: { retries: 2, baseDelayMs: 1 } })
  expect(await errorOf(take(client.pipelines.subscribe()))).toMatchObject({ status: 503 })
  expect(upgrades).toBe(1)
})

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { errorOf, take } from '../../../../test/support/scripted-server.ts'
import { createClient } from '../index.ts'

/** A server that answers every handshake with this head, and how many came. */
async function refuse(head: string, body = '') {
  const seen = { handshakes: 0 }
  const http = createServer().listen(0, '127.0.0.1')
  await once(http, 'listening')
  http.on('upgrade', (_request, socket) => {
    seen.handshakes += 1
    socket.end(`HTTP/1.1 ${head}\r\nconnection: close\r\n\r\n${body}`)
  })
  onTestFinished(() => void http.close())
  const baseUrl = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const retries = { retries: 2, baseDelayMs: 1, maxDelayMs: 500 }
  const { pipelines } = createClient({ baseUrl, retries })
  return { seen, error: await errorOf(take(pipelines.subscribe())) }
}

it('tells of a refusal what the answer says', async () => {
  const body = '{"error":{"code":"authentication_failed","message":"Who are you?"}}'
  const { seen, error } = await refuse('401 Unauthorized\r\nx-request-id: r-1', body)
  expect(error).toMatchObject({ status: 401, code: 'authentication_failed', requestId: 'r-1' })
  expect(seen.handshakes).toBe(1)
})

it.each(['204 No Content', '205 Reset Content', '304 Not Modified', '302 Found', '999 Denied'])(
  'tells of %s, which is no answer to a handshake',
  async (head) => {
    const { error } = await refuse(head)
    const status = head.startsWith('999') ? 502 : Number.parseInt(head, 10)
    expect(error).toMatchObject({ status, code: 'invalid_response' })
  },
)

it('comes back when the server says so, and not where that is later than the policy waits', async () => {
  const soon = await refuse('503 Service Unavailable\r\nretry-after: 0')
  expect(soon.error.status).toBe(503)
  expect(soon.seen.handshakes).toBe(3)
  const late = await refuse('503 Service Unavailable\r\nretry-after: 1')
  expect(late.error.status).toBe(503)
  expect(late.seen.handshakes).toBe(1)
})

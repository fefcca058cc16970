import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished, vi } from 'vitest'
import { WebSocketServer } from 'ws'
import { errorOf, take } from '../../../../test/support/scripted-server.ts'
import { createClient } from '../index.ts'
import { SlipwayError } from '../slipway-error.ts'
import { createTransport } from '../transport.ts'
import { followSocket } from './follow-socket.ts'

it('asks a server ever less often that lets in, says something, and breaks off', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const leaving = new AbortController()
  let opened = 0
  let told = 0
  const connect = async () => {
    opened += 1
    let isTold = false
    return {
      async next() {
        if (isTold) throw new SlipwayError({ status: 0, code: 'network_error', message: 'lost' })
        isTold = true
        return opened
      },
    }
  }
  const transport = createTransport({ baseUrl: 'http://slipway.example' })
  const following = (async () => {
    for await (const _ of followSocket(transport, connect, { signal: leaving.signal })) told += 1
  })()
  const failed = errorOf(following)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(told).toBe(opened)
  // Five seconds at most from one to the next, and half of that at least.
  expect(opened).toBeGreaterThanOrEqual(12)
  expect(opened).toBeLessThanOrEqual(32)
  leaving.abort(new SlipwayError({ status: 0, code: 'left', message: 'left' }))
  expect((await failed).code).toBe('left')
})

it('gives up a server of jobs that has a connection and lets nobody in', async () => {
  const http = createServer().listen(0, '127.0.0.1')
  await once(http, 'listening')
  const sockets = new WebSocketServer({ server: http, path: '/socket.io/' })
  const opening = { sid: 'a', upgrades: [], pingInterval: 25_000, pingTimeout: 20_000 }
  let opened = 0
  sockets.on('connection', (socket) => {
    opened += 1
    socket.send(`0${JSON.stringify({ ...opening, maxPayload: 1_000_000 })}`)
  })
  onTestFinished(() => {
    for (const socket of sockets.clients) socket.terminate()
    http.close().closeAllConnections()
  })
  const baseUrl = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const { jobs } = createClient({ baseUrl, timeoutMs: 500, retries: 0 })
  const error = await errorOf(take(jobs.subscribe({ repositories: ['a/b'] })))
  expect(error).toMatchObject({
    code: 'network_error',
    message: expect.stringContaining('let in') as string,
  })
  expect(opened).toBe(1)
})

// What a worker on another machine is told at once, by a stream that stays open.
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import type { WorkerSignal } from '@slipway/contract/worker-api'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { createWorkersApp, type WorkersApp } from '../support/workers-app.ts'

let test: WorkersApp
let token: string
let url: string
beforeAll(async () => {
  test = await createWorkersApp()
  token = await test.tokenFor(['worker'])
  await test.app.listen({ host: '127.0.0.1', port: 0 })
  url = `http://127.0.0.1:${(test.app.server.address() as AddressInfo).port}`
})
afterAll(() => test.close())

/** Follows the stream of a worker; what it says is in `heard`, but for signs of life. */
async function follow(id: string) {
  const headers = { authorization: `Bearer ${token}` }
  const asked = request(`${url}/v1/workers/${id}/signals`, { headers, agent: false })
  asked.on('error', () => undefined)
  onTestFinished(() => void asked.destroy())
  asked.end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  answer.on('error', () => undefined)
  const heard: WorkerSignal[] = []
  const lines = createInterface({ input: answer })
  // It hands on that the answer was broken off.
  lines.on('error', () => undefined)
  const opened = once(lines, 'line')
  lines.on('line', (line) => {
    const signal = JSON.parse(line) as WorkerSignal
    if (signal.type !== 'ping') heard.push(signal)
  })
  await opened
  return { answer, heard, stop: () => void asked.destroy() }
}

it('tells each worker of what is queued and stopped, and one of its own draining', async () => {
  const [one, two] = [await test.register(token), await test.register(token)]
  const [first, second] = [await follow(one), await follow(two)]
  expect(first.answer.headers['content-type']).toMatch(/^application\/x-ndjson/)
  test.signals.queued(['task'])
  test.signals.stopped(['a job'])
  await expect.poll(() => second.heard).toHaveLength(2)
  test.signals.queued(null)
  test.signals.stopped(null)
  test.signals.drain(one)
  await expect.poll(() => first.heard).toHaveLength(5)
  expect(first.heard).toEqual([
    { type: 'stopped', jobs: ['a job'] },
    { type: 'queued', types: ['task'] },
    { type: 'stopped', jobs: null },
    { type: 'queued', types: null },
    { type: 'drain' },
  ])
  await expect.poll(() => second.heard).toEqual(first.heard.slice(0, 4))
})

it('says as one what comes at the same moment', async () => {
  const { heard } = await follow(await test.register(token))
  for (let n = 0; n < 1_000; n++) test.signals.queued([n % 2 === 0 ? 'task' : 'build'])
  await expect.poll(() => heard).toEqual([{ type: 'queued', types: ['task', 'build'] }])
})

it('forgets who has gone', async () => {
  const id = await test.register(token)
  const { stop } = await follow(id)
  expect(test.signals.followers).toContain(id)
  stop()
  await expect.poll(() => test.signals.followers).not.toContain(id)
})

it('is for nobody without the token', async () => {
  const id = await test.register(token)
  const wrong = { id, token: 'slw_wrong' }
  expect((await test.as(wrong, 'GET', '/signals')).statusCode).toBe(401)
})

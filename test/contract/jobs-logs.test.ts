import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DelegatedJobLogsResponse } from '@slipway/contract/delegations'
import Value from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRunnersApp, type RunnersApp } from '../support/runners-app.ts'

let test: RunnersApp
let port: number

beforeAll(async () => {
  test = await createRunnersApp()
  await test.app.listen({ port: 0, host: '127.0.0.1' })
  port = (test.app.server.address() as AddressInfo).port
})
afterAll(() => test.close())

const logOf = (id: string) => `delegations/${id}/logs/job.log`
const open = (id: string) => test.runners.logs.open(logOf(id), { secrets: ['hunter2'] })

async function read(id: string, query = ''): Promise<string> {
  const answer = await test.request('GET', `/api/jobs/${id}/logs${query}`)
  expect(answer.statusCode, answer.body).toBe(200)
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
  const body = answer.json<DelegatedJobLogsResponse>()
  expect(Value.Check(DelegatedJobLogsResponse, body)).toBe(true)
  return body.data.logs
}

async function follow(id: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  const asked = httpRequest({
    port,
    host: '127.0.0.1',
    path: `/api/jobs/${id}/logs?follow=true`,
    headers: { authorization: `Bearer ${test.token}`, ...headers },
  })
  asked.end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  return response.setEncoding('utf8')
}
async function whole(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const part of response) text += String(part)
  return text
}

describe('GET /api/jobs/:id/logs', () => {
  it('is empty where there is none yet', async () => {
    const id = await test.delegate()
    const answer = await test.request('GET', `/api/jobs/${id}/logs`)
    expect(answer.json()).toEqual({
      success: true,
      data: { logs: '' },
      metadata: { timestamp: expect.any(String), version: '0.0.0' },
    })
  })

  it('answers what the document shows, and its end, with whatever is in it', async () => {
    const id = await test.delegate()
    const lines = [
      '2025-06-19T10:00:00Z Starting job execution...',
      '2025-06-19T10:00:01Z Running tests "quoted" \\ \u001b[31mred\u001b[0m é 日本',
      '',
      '2025-06-19T10:00:02Z password hunter2',
    ]
    const writer = await open(id)
    await writer.write(Buffer.from(`${lines.join('\n')}\n`))
    await writer.suspend()
    const shown = lines.map((line) => line.replace('hunter2', '***'))
    const text = await read(id)
    expect(text).not.toContain('hunter2')
    expect(text.split('\n').slice(0, 3)).toEqual(shown.slice(0, 3))
    expect(await read(id, '?tail=2')).toBe(text.split('\n').slice(2).join('\n'))
    expect(await read(id, '?tail=0')).toBe('')
    expect(await read(id, '?tail=100')).toBe(text)
    expect(await read(id, '?after=3')).toBe(text.split('\n')[3])
  })

  it('is a file of what is there by now, also while the job runs', async () => {
    const id = await test.delegate()
    const path = `/api/jobs/${id}/logs?download=true`
    expect((await test.request('GET', path)).body).toBe('')
    const writer = await open(id)
    await writer.write(Buffer.from('2025-06-19T10:00:00Z one\n2025-06-19T10:00:01Z hunter2\n'))
    await writer.suspend()
    const answer = await test.request('GET', `${path}&follow=true`)
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(answer.headers['content-disposition']).toBe(`attachment; filename="job-${id}.log"`)
    expect(answer.body).toBe('2025-06-19T10:00:00Z one\n2025-06-19T10:00:01Z ***\n')
  })

  it('is written piece by piece, whatever its size', async () => {
    const id = await test.delegate()
    const writer = await open(id)
    const line = `${'x'.repeat(1_023)}\n`
    for (let n = 0; n < 4; n++) await writer.write(Buffer.from(line.repeat(1_024)))
    await writer.seal()
    expect((await read(id)).length).toBe(4 * 1024 * 1024 - 1)
  })

  it('streams lines as they come until the job has ended', async () => {
    const id = await test.delegate()
    await test.report(id, { status: 'running' })
    const writer = await open(id)
    await writer.write(Buffer.from('one\n'))
    const response = await follow(id)
    expect(response.headers['content-type']).toBe('text/plain; charset=utf-8')
    const [first] = await once(response, 'data')
    expect(first).toBe('one\n')
    await writer.write(Buffer.from('two\n'))
    const [second] = await once(response, 'data')
    expect(second).toBe('two\n')
    await writer.write(Buffer.from('three'))
    const rest = whole(response)
    await writer.seal()
    await test.report(id, { status: 'completed' })
    expect(await rest).toBe('three\n')
  })

  it('streams events where they are asked for, and goes on behind the last one', async () => {
    const id = await test.delegate()
    const writer = await open(id)
    await writer.write(Buffer.from('one\ntwo\n'))
    const response = await follow(id, { accept: 'text/event-stream' })
    expect(response.headers['content-type']).toBe('text/event-stream')
    const all = whole(response)
    await writer.seal()
    await test.report(id, { status: 'completed' })
    const events = (await all).split('\n\n').filter(Boolean)
    const data = (event = '') => JSON.parse(event.split('\ndata: ')[1] ?? '')
    expect(events[0]).toMatch(/^id: 1\ndata: /)
    expect(data(events[0])).toEqual({ seq: 1, timestamp: expect.any(String), line: 'one' })
    expect(data(events[1])).toMatchObject({ seq: 2, line: 'two' })
    expect(events[2]).toBe('event: end\ndata: {}')
    const headers = { accept: 'text/event-stream', 'last-event-id': '1' }
    const again = await whole(await follow(id, headers))
    expect(again).toMatch(/^id: 2\n/)
  })

  it('ends for a job that ended without a line', async () => {
    const id = await test.delegate()
    const rest = whole(await follow(id))
    await test.request('POST', `/api/jobs/${id}/cancel`)
    expect(await rest).toBe('')
    expect(await whole(await follow(id))).toBe('')
  })

  it.each([
    ['?tail=-1', '/tail'],
    ['?tail=many', '/tail'],
    ['?follow=maybe', '/follow'],
    ['?lines=3', '/lines'],
  ])('refuses %s', async (query, problem) => {
    const id = await test.delegate()
    const answer = await test.request('GET', `/api/jobs/${id}/logs${query}`)
    expect(answer.statusCode).toBe(400)
    expect(answer.json().error).toContain(problem)
  })

  it('shows nobody the log of a job that is hidden from them', async () => {
    const id = await test.delegate()
    const token = await test.tokenFor(['viewer'], { repositories: ['a/b'] })
    const path = `/api/jobs/${id}/logs`
    expect((await test.request('GET', path, { token })).statusCode).toBe(404)
    expect((await test.request('GET', `${path}?follow=true`, { token })).statusCode).toBe(404)
    expect((await test.request('GET', '/api/jobs/1/logs')).statusCode).toBe(400)
  })
})

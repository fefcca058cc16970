// `logs_url` of API & Operations Reference, "Get Pipeline Run" and "Log Storage".
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import type { CreatedTicket, CreatedToken } from '@slipway/contract/access'
import type { Run } from '@slipway/contract/runs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { finishedRun, logOf, startRun, stepNamed, waitForRun } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let repository: TestRepository
const name = 'mycompany/logs'

beforeAll(async () => {
  server = await startTestServer()
  repository = await createRepository(server.repositories, name)
})
afterAll(() => server.close())

async function runOf(script: string, more: object[] = []) {
  const steps = [{ name: 'talk', action: 'run', run: script }, ...more]
  return startRun(server, name, await repository.commit(oneProject(steps)))
}

/** Reads a response piece by piece until it has all of `wanted`, or ends. */
async function readUntil(response: Response, wanted: string): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.includes(wanted)) break
  }
  return text
}

/** A run as somebody sees it who reaches the server under another name. */
async function runSeenFrom(id: string, headers: Record<string, string>): Promise<Run> {
  const authorization = `Bearer ${server.token}`
  const request = get(`${server.url}/v1/runs/${id}`, { headers: { authorization, ...headers } })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return JSON.parse((await response.toArray()).join('')) as Run
}

describe('logs_url', () => {
  it('leads to where its reader reached the server, whatever is listened on', async () => {
    const { id } = await finishedRun(server, await runOf('echo hi'))
    const originOf = async (headers: Record<string, string>) =>
      new URL(stepNamed(await runSeenFrom(id, headers), 'talk').logs_url).origin
    expect(await originOf({})).toBe(server.url)
    const forwarded = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' }
    expect(await originOf({ host: 'ci.example:8080', ...forwarded })).toBe('http://ci.example:8080')
  })

  it('works without a token, and not with another step, another time or another signature', async () => {
    const run = await finishedRun(server, await runOf('echo one; echo two >&2'))
    const step = stepNamed(run, 'talk')
    expect(await logOf(server, step)).toBe('one\ntwo\n')
    const url = new URL(step.logs_url)
    expect(Number(url.searchParams.get('expires')) * 1000).toBeGreaterThan(Date.now() + 14 * 60_000)
    expect(Number(url.searchParams.get('expires')) * 1000).toBeLessThan(Date.now() + 16 * 60_000)
    const changed = [
      url.search.replace(/expires=\d+/, 'expires=9999999999'),
      url.search.replace(/expires=\d+/, 'expires=1'),
      url.search.replace(/signature=./, (text) =>
        text.endsWith('A') ? 'signature=B' : 'signature=A',
      ),
      '',
    ]
    for (const search of changed) {
      const response = await server.request('GET', url.pathname + search, { token: null })
      expect([401, 403]).toContain(response.status)
    }
  })

  it('works with a token that may see the repository, and a ticket, once', async () => {
    const run = await finishedRun(server, await runOf('echo hi'))
    const { pathname } = new URL(stepNamed(run, 'talk').logs_url)
    expect(await (await server.request('GET', pathname)).text()).toBe('hi\n')
    const body = { name: 'elsewhere', roles: ['viewer'], repositories: ['mycompany/other'] }
    const { token } = await server.json<CreatedToken>('POST', '/v1/tokens', { body })
    expect((await server.request('GET', pathname, { token })).status).toBe(404)
    const { ticket } = await server.json<CreatedTicket>('POST', '/v1/tickets')
    const path = `${pathname}?ticket=${ticket}`
    expect((await server.request('GET', path, { token: null })).status).toBe(200)
    expect((await server.request('GET', path, { token: null })).status).toBe(401)
  })
})

describe('GET /v1/steps/{id}/logs', () => {
  it('answers a part: after, tail, timestamps and byte ranges', async () => {
    const run = await finishedRun(server, await runOf('seq 1 1000'))
    const { pathname } = new URL(stepNamed(run, 'talk').logs_url)
    const get = async (query: string, headers: Record<string, string> = {}) =>
      server.request('GET', pathname + query, { headers })
    expect(await (await get('?after=998')).text()).toBe('999\n1000\n')
    expect(await (await get('?tail=2')).text()).toBe('999\n1000\n')
    expect(await (await get('?tail=1&timestamps=true')).text()).toMatch(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z 1000\n$/,
    )
    const part = await get('', { range: 'bytes=2-3' })
    expect(part.status).toBe(206)
    expect(part.headers.get('content-range')).toMatch(/^bytes 2-3\/\d+$/)
    expect(await part.text()).toBe('2\n')
    expect((await get('', { range: 'bytes=999999-' })).status).toBe(416)
    const whole = await get('')
    expect(whole.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect((await whole.text()).split('\n')).toHaveLength(1001)
  })

  it('follows a running step line by line to its end', async () => {
    const id = await runOf('echo first; until [ -e go ]; do sleep 0.05; done; echo last', [
      { name: 'release', action: 'run', run: 'sleep 1; touch go' },
    ])
    const run = await waitForRun(server, id, (now) => stepNamed(now, 'talk').status === 'running')
    const { pathname, search } = new URL(stepNamed(run, 'talk').logs_url)
    const response = await server.request('GET', `${pathname}${search}&follow=true`, {
      token: null,
    })
    const first = await readUntil(response, 'first\n')
    expect(first).not.toContain('last')
    const again = await server.request('GET', `${pathname}?follow=true`)
    expect(await again.text()).toBe('first\nlast\n')
    await finishedRun(server, id)
  })

  it('speaks Server-Sent Events where they are accepted, and resumes behind Last-Event-ID', async () => {
    const run = await finishedRun(server, await runOf('echo a; echo "b<c>"; echo d'))
    const { pathname } = new URL(stepNamed(run, 'talk').logs_url)
    const accept = { accept: 'text/event-stream' }
    const response = await server.request('GET', `${pathname}?follow=true`, { headers: accept })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const blocks = (await response.text()).trim().split('\n\n')
    expect(blocks).toHaveLength(4)
    expect(blocks[1]).toMatch(/^id: 2\ndata: \{"seq":2,"timestamp":"[^"]+Z","line":"b<c>"\}$/)
    expect(blocks[3]).toBe('event: end\ndata: {}')
    const resumed = await server.request('GET', `${pathname}?follow=true`, {
      headers: { ...accept, 'last-event-id': '2' },
    })
    expect(await resumed.text()).toMatch(/^id: 3\n/)
  })

  it('ends for a step that its run never reaches', async () => {
    const id = await runOf('sleep 300', [
      { name: 'later', action: 'run', run: 'true', needs: ['talk'] },
    ])
    const run = await waitForRun(server, id, (now) => stepNamed(now, 'talk').status === 'running')
    const { pathname } = new URL(stepNamed(run, 'later').logs_url)
    const response = await server.request('GET', `${pathname}?follow=true`)
    await server.request('DELETE', `/v1/runs/${id}`)
    expect(await response.text()).toBe('')
  })

  it('is 404 for an unknown step and 400 for what is no id or no number', async () => {
    const id = '018f0000-0000-7000-8000-000000000000'
    expect((await server.request('GET', `/v1/steps/${id}/logs`)).status).toBe(404)
    expect((await server.request('GET', '/v1/steps/1/logs')).status).toBe(400)
    expect((await server.request('GET', `/v1/steps/${id}/logs?after=x`)).status).toBe(400)
    expect((await server.request('GET', `/v1/steps/${id}/logs?tail=-1`)).status).toBe(400)
  })
})

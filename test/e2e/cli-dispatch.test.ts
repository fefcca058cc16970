// `slipway dispatch`, as the steps of a workflow run it.
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { CreatedToken } from '@slipway/contract/access'
import type { Dispatch, DispatchResult } from '@slipway/contract/dispatches'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { inGroups, step } from '../support/phase-groups.ts'
import { runCli, temporaryDirectory } from '../support/run-cli.ts'
import { startRun, tasksOf, waitForRun } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

describe('slipway dispatch', () => {
  let server: TestServer
  let repository: TestRepository
  let token: string
  beforeAll(async () => {
    // Runs go through their stages by themselves here: what is told of them is the same.
    server = await startTestServer()
    repository = await createRepository(server.repositories, 'acme/shop')
    const body = { name: 'dispatcher', roles: ['service-account'] }
    token = (await server.json<CreatedToken>('POST', '/v1/tokens', { body })).token
  })
  afterAll(() => server.close())

  const begin = async (files: Record<string, string>) =>
    startRun(server, 'acme/shop', await repository.commit(files))
  const dispatch = (args: string[], more: Parameters<typeof runCli>[1] = {}) =>
    runCli(['dispatch', ...args], {
      ...more,
      env: { SLIPWAY_URL: server.url, SLIPWAY_TOKEN: token },
    })

  it('prints what a stage came to, and writes what comes next into files', async () => {
    const id = await begin(inGroups('true', 'true'))
    const cwd = await temporaryDirectory()
    const files = ['--next-file', 'next', '--groups-file', 'groups', '--result-file', 'result']
    const found = await dispatch(['--run', id, '--stage', 'discovery', ...files], { cwd })
    expect(found).toMatchObject({ code: 0, err: 'discovery: success\n' })
    const result = JSON.parse(found.out) as DispatchResult
    expect(result).toMatchObject({ run_id: id, stage: 'discovery', next: 'group-1' })
    expect(await readFile(join(cwd, 'next'), 'utf8')).toBe('group-1')
    const groups = JSON.parse(await readFile(join(cwd, 'groups'), 'utf8')) as unknown
    expect(groups).toEqual(result.groups)
    expect(groups).toMatchObject([{ stage: 'group-1' }, { stage: 'group-2' }])
    expect(JSON.parse(await readFile(join(cwd, 'result'), 'utf8'))).toEqual(result)
    const last = await dispatch(['--run', id, '--stage', 'group-2', '--next-file', 'next'], { cwd })
    expect(last.code).toBe(0)
    expect(await readFile(join(cwd, 'next'), 'utf8')).toBe('end')
  })

  it('exits with 1 for a stage that failed, and with 3 for one of a cancelled run', async () => {
    const failed = await begin(inGroups('exit 7'))
    const result = await dispatch(['--run', failed, '--stage', 'group-1', '--timeout', '60'], {})
    expect([result.code, result.err]).toEqual([1, expect.stringContaining('phase1: ')])
    const cancelled = await begin(oneProject([step('sleep 300')]))
    await waitForRun(server, cancelled, (run) => tasksOf(run)[0]?.status === 'running')
    const waiting = dispatch(['--run', cancelled, '--stage', 'group-1'])
    await server.request('DELETE', `/v1/runs/${cancelled}`)
    expect((await waiting).code).toBe(3)
  })

  it('gives up at its time-out with 124, and leaves the stage running', async () => {
    const id = await begin(oneProject([step('sleep 300')]))
    await waitForRun(server, id, (run) => tasksOf(run)[0]?.status === 'running')
    const result = await dispatch(['--run', id, '--stage', 'group-1', '--timeout', '1'])
    expect(result).toMatchObject({ code: 124, out: '' })
    expect(result.err).toContain('has not ended within 1 s')
    const run = await waitForRun(server, id, () => true)
    expect(run.status).toBe('running')
    await server.request('DELETE', `/v1/runs/${id}`)
  })

  it.each([
    [[], 2, "required option '--run <run>'"],
    [['--run', 'x'], 2, 'nothing to be done'],
    [['--run', 'x', '--stage', 'deploy'], 2, 'neither discovery nor group-'],
    [['--run', 'x', '--stage', 'discovery', '--ended', 'Failed'], 2, 'cannot be used with'],
    [['--run', 'x', '--stage', 'discovery'], 4, 'uuid'],
    [
      ['--run', '018f0000-0000-7000-8000-000000000000', '--stage', 'discovery'],
      4,
      'There is no run',
    ],
  ])('refuses %j with %i', async (args, code, words) => {
    const result = await dispatch(args)
    expect([result.code, result.err]).toEqual([code, expect.stringContaining(words)])
  })

  it('tells how the workflow ended, whatever can be read of its failures', async () => {
    const id = await begin(inGroups('true'))
    const run = await waitForRun(server, id, ({ completed_at }) => completed_at !== null)
    expect(run, 'nobody else orchestrates it').not.toHaveProperty('workflow')
    for (const failures of ['null', '{{workflow.failures}}', '"[{\\"displayName\\":\\"a\\"}]"']) {
      const result = await dispatch(['--run', id, '--ended', 'Error', '--failures', failures])
      expect(result.code).toBe(0)
      expect(JSON.parse(result.out)).toEqual({ run_id: id, run_status: 'success' })
    }
  })
})

describe('slipway dispatch, when its server is not what it should be', () => {
  let fake: Server
  afterEach(() => {
    fake.close()
    fake.closeAllConnections()
  })

  const found: Dispatch = {
    id: '018f0000-0000-7000-8000-000000000001',
    run_id: '018f0000-0000-7000-8000-000000000000',
    stage: 'discovery',
    status: 'running',
    created_at: '2026-01-01T00:00:00.000Z',
    timeout_seconds: 600,
    remaining_seconds: 600,
  }
  const result: DispatchResult = {
    run_id: found.run_id,
    stage: 'discovery',
    status: 'success',
    run_status: 'running',
    commit_sha: 'abc123def456',
    groups: [],
  }
  type Answer = (response: ServerResponse) => void
  const answer =
    (body: unknown, status = 200): Answer =>
    (response) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  const hangUp: Answer = (response) => response.destroy()
  const wait: Answer = () => undefined

  /** Answers requests in their order, the last answer to all that follow; tells what was asked. */
  async function serve(...answers: Answer[]): Promise<{ url: string; asked: string[] }> {
    const asked: string[] = []
    fake = createServer((request, response) => {
      const next = answers[Math.min(asked.length, answers.length - 1)]
      asked.push(`${request.method} ${request.url}`)
      request.resume()
      next?.(response)
    })
    fake.listen(0, '127.0.0.1')
    await once(fake, 'listening')
    return { url: `http://127.0.0.1:${(fake.address() as AddressInfo).port}`, asked }
  }
  const dispatch = (url: string, more: string[] = [], options: Parameters<typeof runCli>[1] = {}) =>
    runCli(['dispatch', '--run', found.run_id, '--stage', 'discovery', ...more], {
      ...options,
      env: { SLIPWAY_URL: url, SLIPWAY_TOKEN: 'a-token-of-a-dispatcher' },
    })

  it('goes on after connections that broke off, a proxy that answers, and a restart', async () => {
    const unavailable = answer({ error: { code: 'unavailable', message: 'Stopping' } }, 503)
    const ended = { ...found, status: 'success', remaining_seconds: 0, result }
    const proxy: Answer = (response) => response.writeHead(502).end('Bad Gateway')
    // The client itself asks again three times, and says nothing of it.
    const { url, asked } = await serve(
      hangUp,
      unavailable,
      hangUp,
      unavailable,
      answer(found, 201),
      answer(found),
      hangUp,
      proxy,
      answer(ended),
    )
    const { code, out, err } = await dispatch(url)
    expect([code, JSON.parse(out)]).toEqual([0, result])
    expect(err).toContain('trying again')
    const path = `/v1/runs/${found.run_id}/dispatches`
    expect(new Set(asked)).toEqual(new Set([`POST ${path}`, `GET ${path}/${found.id}?wait=20`]))
  })

  it('gets a result that is too large for an answer', async () => {
    const reference = { key: 'x', url: 'http://elsewhere.test/', size_bytes: 2_000_000 }
    const ended = { ...found, status: 'success', result_reference: reference }
    const { url, asked } = await serve(answer(ended, 201), answer(result))
    expect(JSON.parse((await dispatch(url)).out)).toEqual(result)
    expect(asked.at(-1)).toBe(`GET /v1/runs/${found.run_id}/dispatches/${found.id}/result`)
  })

  it('gives up what makes no progress any more', async () => {
    const { url } = await serve(answer(found, 201), answer({ ...found, remaining_seconds: 0 }))
    const { code, err } = await dispatch(url)
    expect([code, err]).toEqual([124, expect.stringContaining('nothing of it has begun or ended')])
  })

  it('exits with 5 when there was no answer until its time-out', async () => {
    const { url } = await serve(hangUp)
    expect(await dispatch(url, ['--timeout', '1'])).toMatchObject({ code: 5, out: '' })
  })

  it('exits with 4 when it is refused, at once', async () => {
    const refusal = { error: { code: 'authorization_failed', message: 'Not you' } }
    const { url, asked } = await serve(answer(refusal, 403))
    expect(await dispatch(url)).toMatchObject({ code: 4 })
    expect(asked).toHaveLength(1)
  })

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'ends at %s without a word to the server',
    async (name) => {
      const { url, asked } = await serve(answer(found, 201), wait)
      let signalled = false
      const child = dispatch(url, [], {
        onStart: (kill) =>
          void expect
            .poll(() => asked.length, { timeout: 15_000 })
            .toBe(2)
            .then(() => {
              signalled = true
              kill(name)
            }),
      })
      const { code, out } = await child
      expect({ signalled, code, out }).toEqual({
        signalled: true,
        code: name === 'SIGTERM' ? 143 : 130,
        out: '',
      })
      expect(asked).toHaveLength(2)
    },
  )
})

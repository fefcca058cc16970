import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCli, temporaryDirectory } from '../support/run-cli.ts'
import { sampleRun } from '../support/sample-run.ts'
import { type Answer, failure, json, serve } from '../support/scripted-server.ts'

// What the command asks of a server, and what it makes of the answers; the server here says
// whatever a test wants, also what the real one never would.

const finished = (status: 'success' | 'failed' | 'cancelled') => ({
  ...sampleRun(),
  status,
  completed_at: '2026-01-01T00:00:12.000Z',
  message: `It was \u001b[2J${status}.`,
})

const logLine = (seq: number, line: string) =>
  `id: ${seq}\ndata: ${JSON.stringify({ seq, timestamp: '2026-01-01T00:00:00.000Z', line })}\n\n`

/** Answers by method and path; what is not there is 404. */
function router(routes: Record<string, Answer>): Answer {
  return (response, request) => {
    const path = `${request.method} ${request.url.split('?')[0]}`
    const answer = routes[path] ?? failure(404, 'resource_not_found')
    answer(response, request)
  }
}

const events: Answer = (response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write('id: 1\n\n')
}
const log =
  (...lines: string[]): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const blocks = lines.map((line, index) => logLine(index + 1, line))
    response.end(`${blocks.join('')}event: end\ndata: {}\n\n`)
  }

async function checkout(remote: string): Promise<{ cwd: string; commit: string }> {
  const cwd = await temporaryDirectory()
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], {
      cwd,
      encoding: 'utf8',
    }).trim()
  git('init', '-q', '-b', 'topic/one')
  await writeFile(join(cwd, 'file'), 'one')
  git('add', '.')
  git('commit', '-q', '-m', 'one')
  git('remote', 'add', 'origin', remote)
  return { cwd, commit: git('rev-parse', 'HEAD') }
}

describe('run start', () => {
  it('takes repository, branch and commit from the checkout', async () => {
    const { baseUrl, seen } = await serve(
      router({ 'POST /v1/runs': json(201, { id: 'r-1', status: 'pending' }) }),
    )
    const { cwd, commit } = await checkout('git@github.com:acme/shop.git')
    await writeFile(join(cwd, 'file'), 'two')
    const result = await runCli(['run', 'start', '--url', baseUrl, '--token', 'slw_t'], { cwd })
    expect(result).toMatchObject({ code: 0, out: 'r-1\n' })
    expect(result.err).toContain('not committed')
    expect(seen[0]?.headers.authorization).toBe('Bearer slw_t')
    expect(JSON.parse(seen[0]!.body)).toEqual({
      repository: 'acme/shop',
      branch: 'topic/one',
      commit_sha: commit,
      trigger_type: 'manual',
    })
  })

  it('needs no checkout when it is told everything', async () => {
    const { baseUrl, seen } = await serve(
      router({ 'POST /v1/runs': json(201, { id: 'r-1', status: 'pending' }) }),
    )
    const what = ['-r', 'acme/shop', '-b', 'refs/tags/v1', '-c', 'abcdef1']
    const { code, out } = await runCli(['run', 'create', ...what, '--json'], {
      env: { SLIPWAY_URL: baseUrl },
    })
    expect(code).toBe(0)
    expect(JSON.parse(out)).toEqual({ id: 'r-1', status: 'pending' })
    expect(JSON.parse(seen[0]!.body)).toMatchObject({
      branch: 'refs/tags/v1',
      commit_sha: 'abcdef1',
    })
  })

  it.each([
    ['success', 0],
    ['failed', 1],
    ['cancelled', 3],
  ] as const)('--watch of a run that ends as %s exits with %i', async (status, code) => {
    const run = finished(status)
    const step = run.phases[1]!.tasks[1]!.steps[0]!
    const { baseUrl } = await serve(
      router({
        'POST /v1/runs': json(201, { id: run.id, status: 'pending' }),
        'GET /v1/events': events,
        [`GET /v1/runs/${run.id}`]: json(200, run),
        [`GET /v1/steps/${step.id}/logs`]: log('bundling', 'no such file'),
      }),
    )
    const { cwd } = await checkout('https://github.com/acme/shop')
    const result = await runCli(['run', 'start', '--watch', '--url', baseUrl], { cwd })
    expect(result.code).toBe(code)
    expect(result.out).toContain('check/api/lint  success  1.0s\n')
    expect(result.out).toContain(`It was ${status}.`)
    expect(result.out).toContain('── build/web/bundle\nbundling\nno such file\n')
    expect(result.out).not.toContain('\u001b')
  })

  it('points to the run that is there already', async () => {
    const conflict = json(409, {
      error: { code: 'resource_conflict', message: 'It runs already.', details: { run_id: 'r-9' } },
    })
    const { baseUrl } = await serve(router({ 'POST /v1/runs': conflict }))
    const what = ['-r', 'acme/shop', '-b', 'main', '-c', 'abcdef1']
    const { code, err } = await runCli(['run', 'start', ...what, '--url', baseUrl])
    expect(err).toBe('error: It runs already.\nSee what is there: slipway run show r-9\n')
    expect(code).toBe(4)
  })
})

describe('the token', () => {
  const token = async (env: Record<string, string>, args: string[] = [], cwd?: string) => {
    const { baseUrl, seen } = await serve(
      router({ 'GET /health': json(200, { status: 'healthy', checks: {} }) }),
    )
    await runCli(['health', '--url', baseUrl, ...args], {
      env,
      ...(cwd === undefined ? {} : { cwd }),
    })
    return { baseUrl, sent: seen[0]?.headers.authorization }
  }

  it('of a flag wins over the environment', async () => {
    expect((await token({ SLIPWAY_TOKEN: 'env' })).sent).toBe('Bearer env')
    expect((await token({ SLIPWAY_TOKEN: 'env' }, ['--token', 'flag'])).sent).toBe('Bearer flag')
  })

  it('of the configuration file goes to its own server only', async () => {
    const { baseUrl, seen } = await serve(
      router({ 'GET /health': json(200, { status: 'healthy', checks: {} }) }),
    )
    const home = await temporaryDirectory()
    await mkdir(join(home, '.config/slipway'), { recursive: true })
    const config = `current: mine\nservers:\n  mine:\n    url: ${baseUrl}\n    token: slw_mine\n`
    await writeFile(join(home, '.config/slipway/config.yaml'), config, { mode: 0o600 })
    const env = { HOME: home }
    expect((await runCli(['health'], { env })).code).toBe(0)
    expect(seen[0]?.headers.authorization).toBe('Bearer slw_mine')
    expect((await token(env)).sent).toBeUndefined()
  })

  it('of a server in the current directory is for this machine only', async () => {
    const cwd = await temporaryDirectory()
    await mkdir(join(cwd, '.slipway'))
    await writeFile(join(cwd, '.slipway/admin-token'), 'slw_admin\n', { mode: 0o600 })
    expect((await token({}, [], cwd)).sent).toBeUndefined()
  })
})

describe('lists', () => {
  it('show runs as a table, and as JSON what the server said', async () => {
    const { phases: _, ...summary } = finished('success')
    const page = { runs: [summary], total: 41, limit: 1, offset: 20 }
    const { baseUrl, seen } = await serve(router({ 'GET /v1/runs': json(200, page) }))
    const list = [
      'run',
      'list',
      '--url',
      baseUrl,
      '-r',
      'acme/shop',
      '-b',
      'main',
      '-n',
      '1',
      '--offset',
      '20',
    ]
    const plain = await runCli(list)
    expect(plain.out).toMatch(/^RUN +STATUS +BRANCH +COMMIT +STARTED +TOOK +BY\n/)
    expect(plain.out).toContain(
      `${summary.id}  success  main    abcdef12  2026-01-01 00:00  12.0s  alice\n`,
    )
    expect(plain.err).toContain('21 of 41')
    expect(JSON.parse((await runCli([...list, '--json'])).out)).toEqual(page)
    expect(seen[0]?.url).toBe('/v1/runs?repository=acme%2Fshop&limit=1&offset=20&branch=main')
  })

  it('show tokens without secrets; making one prints it alone', async () => {
    const id = '00000000-0000-4000-8000-00000000000a'
    const shown = {
      id,
      name: 'ci',
      roles: ['viewer'],
      repositories: null,
      created_by: 'a',
      created_at: 'x',
      expires_at: null,
      last_used_at: null,
    }
    const { baseUrl, seen } = await serve(
      router({
        'GET /v1/tokens': json(200, { tokens: [shown], total: 1, limit: 100, offset: 0 }),
        'POST /v1/tokens': json(201, { ...shown, token: 'slw_new' }),
        [`DELETE /v1/tokens/${id}`]: (response) => response.writeHead(204).end(),
      }),
    )
    const env = { SLIPWAY_URL: baseUrl, SLIPWAY_TOKEN: 't' }
    expect((await runCli(['token', 'list'], { env })).out).toContain(
      `${id}  ci    viewer  all           never`,
    )
    const create = [
      'token',
      'create',
      'ci',
      '--role',
      'viewer',
      'developer',
      '--repository',
      'a/b',
      '--expires',
      '2999-01-01',
    ]
    expect(await runCli(create, { env })).toMatchObject({ code: 0, out: 'slw_new\n' })
    expect(JSON.parse(seen[1]!.body)).toEqual({
      name: 'ci',
      roles: ['viewer', 'developer'],
      repositories: ['a/b'],
      expires_at: '2999-01-01T00:00:00.000Z',
    })
    expect((await runCli(['token', 'revoke', 'ci'], { env })).code).toBe(0)
    expect((await runCli(['token', 'revoke', 'other'], { env })).code).toBe(4)
    expect(seen.filter(({ method }) => method === 'DELETE')).toHaveLength(1)
  })
})

describe('logs', () => {
  const run = finished('failed')
  const [lint, types] = run.phases[0]!.tasks[0]!.steps
  const routes = {
    'GET /v1/events': events,
    [`GET /v1/runs/${run.id}`]: json(200, run),
    [`GET /v1/steps/${lint!.id}/logs`]: log('\u001b]0;title\u0007one', '\u001b[31mtwo'),
    [`GET /v1/steps/${types!.id}/logs`]: log('three'),
  }

  it('of a step are what it wrote, unchanged, where no terminal is', async () => {
    const { baseUrl, seen } = await serve(router(routes))
    const { code, out } = await runCli(['logs', run.id, 'lint', '--tail', '5', '--url', baseUrl])
    expect(code).toBe(0)
    expect(out).toBe('\u001b]0;title\u0007one\n\u001b[31mtwo\n')
    expect(seen.at(-1)?.url).toContain('tail=5')
  })

  it('are one document a line as JSON', async () => {
    const { baseUrl } = await serve(router(routes))
    const { out } = await runCli([
      'run',
      'logs',
      run.id,
      'check/api/types',
      '--json',
      '--url',
      baseUrl,
    ])
    expect(JSON.parse(out)).toMatchObject({
      phase: 'check',
      project: 'api',
      step: 'types',
      seq: 1,
      line: 'three',
    })
  })

  it('name the steps there are when a step is not', async () => {
    const { baseUrl } = await serve(router(routes))
    const { code, err } = await runCli(['logs', run.id, 'lints', '--url', baseUrl])
    expect(err).toContain('check/api/lint\n')
    expect(code).toBe(2)
  })

  it('of a run that goes on are followed, each line with its step', async () => {
    const going = { ...sampleRun(), id: run.id }
    going.phases[1]!.tasks = []
    let asked = 0
    const { baseUrl } = await serve(
      router({
        ...routes,
        'GET /v1/events': (response, request) => {
          events(response, request)
          response.write('id: 2\ndata: {}\n\n')
        },
        [`GET /v1/runs/${run.id}`]: (response, request) => {
          asked += 1
          const phases = going.phases
          json(200, asked < 3 ? going : { ...run, phases })(response, request)
        },
      }),
    )
    const { code, out } = await runCli(['logs', '-f', run.id, '--url', baseUrl])
    expect(code).toBe(0)
    expect(out.split('\n').toSorted()).toEqual(
      [
        '',
        'check/api/lint \u001b[31mtwo',
        'check/api/lint \u001b]0;title\u0007one',
        'check/api/types three',
      ].toSorted(),
    )
  })
})

describe('following', () => {
  it('events prints them as they come, and ends where it is told', async () => {
    const { baseUrl, seen } = await serve((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const event = { event_type: 'pipeline.run.started', timestamp: 'now', data: { run_id: 'r' } }
      response.write(
        [4, 5, 6].map((id) => `id: ${id}\ndata: ${JSON.stringify(event)}\n\n`).join(''),
      )
    })
    const { code, out } = await runCli([
      'events',
      '--after',
      '3',
      '--type',
      'pipeline.*',
      '-n',
      '2',
      '--url',
      baseUrl,
    ])
    expect(code).toBe(0)
    expect(out).toBe('4 now pipeline.run.started run_id=r\n5 now pipeline.run.started run_id=r\n')
    expect(seen[0]?.url).toBe('/v1/events?after=3&types=pipeline.*')
  })

  it('ends when nobody reads any more', async () => {
    const { baseUrl } = await serve((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const event = { event_type: 'pipeline.run.started', timestamp: 'now', data: {} }
      const block = `id: 1\ndata: ${JSON.stringify(event)}\n\n`
      const more = () => void response.write(block, (error) => error ?? setImmediate(more))
      more()
    })
    const { code, err } = await runCli(['events', '--url', baseUrl], {
      onOutput: (_out, _signal, stopReading) => stopReading(),
    })
    expect(err).toBe('')
    expect(code).toBe(0)
  })

  it('stops at Ctrl-C and says that the run goes on', async () => {
    const run = sampleRun()
    const { baseUrl } = await serve(
      router({ 'GET /v1/events': events, [`GET /v1/runs/${run.id}`]: json(200, run) }),
    )
    const { code, err } = await runCli(['run', 'watch', run.id, '--url', baseUrl], {
      onOutput: (out, signal) => {
        if (out.includes('running')) signal('SIGINT')
      },
    })
    expect(err).toBe(`The run goes on. Stop it: slipway run cancel ${run.id}\n`)
    expect(code).toBe(130)
  })
})

describe('health and doctor', () => {
  it('say what is not well', async () => {
    const checks = { database: 'pass', job_bus: 'fail' }
    const { baseUrl } = await serve(
      router({ 'GET /health': json(503, { status: 'unhealthy', timestamp: 'x', checks }) }),
    )
    const health = await runCli(['health', '--url', baseUrl])
    expect(health).toMatchObject({
      code: 1,
      out: `unhealthy  ${baseUrl}\n  ✔ database\n  ✖ job_bus\n`,
    })
    const doctor = await runCli(['doctor', '--json', '--url', baseUrl])
    expect(JSON.parse(doctor.out)).toMatchObject({
      findings: expect.arrayContaining([
        expect.objectContaining({
          check: 'server',
          result: 'fail',
          message: 'unhealthy: job_bus',
        }) as unknown,
        expect.objectContaining({ check: 'clock', result: 'warn' }) as unknown,
      ]) as unknown,
    })
    expect(doctor.code).toBe(1)
  })
})

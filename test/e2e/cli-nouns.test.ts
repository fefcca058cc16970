import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type CallOptions, callCli } from '../support/call-cli.ts'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// What is the same of every noun, against the real server.

let server: TestServer
let repository: TestRepository

beforeAll(async () => {
  server = await startTestServer({ SLIPWAY_ALLOW_UNISOLATED: 'true' })
  repository = await createRepository(server.repositories, 'acme/shop')
})
afterAll(() => server.close())

const slipway = (args: readonly string[], options: CallOptions = {}) =>
  callCli(args, {
    ...options,
    env: { SLIPWAY_URL: server.url, SLIPWAY_TOKEN: server.token, ...options.env },
  })

/** Of lists that have nothing, or little, on a new server; with what they need. */
const lists = [
  ['run', 'list', '-r', 'acme/shop'],
  ['release', 'list', 'shop', '-r', 'acme/shop'],
  ['approval', 'list'],
  ['environment', 'list'],
  ['deployment', 'list'],
  ['deployment', 'history', 'shop', '-e', 'dev', '-r', 'acme/shop'],
  ['pull-request', 'list'],
  ['secret', 'list'],
  ['pipeline', 'list'],
  ['build', 'list'],
  ['build', 'steps'],
  ['branding', 'list'],
  ['configuration', 'list'],
  ['registry', 'list'],
  ['repository', 'list'],
  ['credential', 'list'],
  ['credential', 'types'],
  ['job', 'list'],
  ['runner', 'list'],
  ['runner', 'classes'],
  ['worker', 'list'],
  ['webhook', 'list'],
  ['token', 'list'],
  ['audit', 'list'],
  ['server', 'list'],
]

describe('lists', () => {
  it.each(lists)('%s %s is one document with --json', async (...args) => {
    const { code, out, err } = await slipway([...args, '--json'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out.trimEnd().split('\n')).toHaveLength(1)
    expect(typeof JSON.parse(out)).toBe('object')
  })

  it('say how to get at the rest, and go on there', async () => {
    for (const name of ['one', 'two', 'three']) {
      const made = await slipway(['token', 'create', name, '--role', 'viewer'])
      expect(made.code, made.err).toBe(0)
    }
    const first = await slipway(['token', 'list', '-n', '2'])
    expect(first.out.trimEnd().split('\n')).toHaveLength(3)
    expect(first.err).toMatch(/^2 of \d; go on with --offset 2\n$/)
    const second = await slipway(['token', 'list', '-n', '2', '--offset', '2'])
    expect(second.out.split('\n')[1]).not.toBe(first.out.split('\n')[1])
    const audit = await slipway(['audit', 'list', '-n', '2', '--json'])
    const { entries } = JSON.parse(audit.out) as { entries: { id: number; action: string }[] }
    expect(entries.map(({ action }) => action)).toEqual(['POST /v1/tokens', 'POST /v1/tokens'])
    const { err } = await slipway(['audit', 'list', '-n', '2'])
    expect(err).toContain(`--before ${entries[1]?.id}`)
    const uneven = await slipway(['job', 'list', '--offset', '3'])
    expect(uneven).toMatchObject({ code: 2, out: '' })
    expect(uneven.err).toContain('--limit 20 --offset 0')
  })

  it('go on with --watch, a line for what is new, until Ctrl-C', async () => {
    let asked: Promise<unknown> | undefined
    const { code, out } = await slipway(['secret', 'list', '-r', 'acme/watched', '--watch'], {
      onError: (err) => {
        if (err.includes('No secrets'))
          asked ??= slipway(['secret', 'set', 'TOKEN', '-r', 'acme/watched'], { input: 'hidden' })
      },
      onOutput: (printed, interrupt) => {
        if (printed.includes('TOKEN')) interrupt()
      },
    })
    await asked
    expect(out).toMatch(/^acme\/watched {2}TOKEN {2}[\d: -]{16} {2}admin\n$/)
    expect(code).toBe(130)
  })
})

describe('--json', () => {
  it('writes a document for each state of what is watched, and nothing beside', async () => {
    const script = 'exec sleep 600'
    const commit = await repository.commit(oneProject([{ name: 'slow', run: script }]))
    const start = ['run', 'start', '-r', 'acme/shop', '-b', 'main', '-c', commit, '--json']
    const { code, out, err } = await slipway([...start, '--watch'], {
      onOutput: (printed, interrupt) => {
        if (printed.includes('"running"')) interrupt()
      },
    })
    const states = out.trimEnd().split('\n')
    expect(states.map((line) => (JSON.parse(line) as { id: string }).id)).not.toContain(undefined)
    expect({ code, err }).toEqual({ code: 130, err: '' })
    const stopped = await slipway(['batch', 'cancel', '--all', '-r', 'acme/shop', '--json'])
    expect(JSON.parse(stopped.out)).toMatchObject({ succeeded: 1, failed: 0 })
    const nothing = await slipway(['batch', 'cancel', '--all', '-r', 'acme/none', '--json'])
    expect(JSON.parse(nothing.out)).toEqual({ succeeded: 0, failed: 0, results: [] })
  })
})

describe('on a terminal', () => {
  const env = { TERM: 'xterm' }

  it('has colours, unless NO_COLOR says no, and none elsewhere', async () => {
    const list = ['build', 'steps']
    expect((await slipway(list, { columns: 400, env })).out).toContain('\u001b[2m')
    const plain = await slipway(list, { columns: 400, env: { ...env, NO_COLOR: '1' } })
    expect(plain.out).not.toContain('\u001b')
    expect((await slipway([...list, '--no-color'], { columns: 400, env })).out).toBe(plain.out)
    expect((await slipway(list, { env })).out).not.toContain('\u001b')
  })

  it('that is narrow, shows each item on lines of its own, its id whole', async () => {
    const { out } = await slipway(['worker', 'list', '--no-color'], { columns: 40, env })
    const lines = out.trimEnd().split('\n')
    const ids = lines.filter((line) => /^[0-9a-f-]{36}$/.test(line))
    expect(ids).toHaveLength(1)
    expect(lines.filter((line) => line.length > 40).join('\n')).toMatch(/^( {2}[a-z,]+)?$/)
  })

  it('draws what is watched over, and gives the cursor back', async () => {
    const { code, out } = await slipway(['worker', 'list', '--watch'], {
      columns: 120,
      env,
      onOutput: (_printed, interrupt) => interrupt(),
    })
    expect(out).toMatch(/^\u001b\[\?25l/)
    expect(out).toMatch(/\u001b\[\?25h$/)
    expect(code).toBe(130)
  })
})

describe('one thing', () => {
  it('is shown by name, and by the same verbs everywhere', async () => {
    const created = await slipway([
      'repository',
      'create',
      'acme/shop',
      `file://${repository.directory}`,
    ])
    expect(created.code, created.err).toBe(0)
    const shown = await slipway(['repository', 'show', 'acme/shop'])
    expect(shown.out).toContain(`file://${repository.directory}`)
    const input = 'secret'
    const kept = ['credential', 'create', 'forge', '--type', 'git_https', '--set', 'username=ci']
    expect((await slipway(kept, { input })).code).toBe(0)
    const credential = await slipway(['credential', 'show', 'forge'])
    expect(credential.out).toMatch(/^forge\ntype +git_https\nexpires +never\n/)
    expect((await slipway(['credential', 'delete', 'forge'])).code).toBe(0)
    const usage = await slipway(['build', 'usage', 'acme/shop'])
    expect(usage.out).toMatch(/^acme\/shop\nat +file:\S+\nbuilds +0\n[^]*last +never\n$/)
    const figures = await slipway(['build', 'usage', 'acme/shop', '--json'])
    expect(JSON.parse(figures.out)).toMatchObject({
      repository_name: 'acme/shop',
      total_pipeline_runs: 0,
    })
    expect((await slipway(['repository', 'delete', 'acme/shop'])).code).toBe(0)
    const gone = await slipway(['repository', 'show', 'acme/shop'])
    expect(gone).toMatchObject({ code: 4, out: '' })
    expect(gone.err).toContain('See which there are: slipway repository list')
  })

  it('that is not there points to the list of what is', async () => {
    const nobody = '0190c0de-0000-7000-8000-000000000000'
    for (const [noun, id] of [
      ['run', nobody],
      ['run', '7'],
      ['deployment', nobody],
      ['job', nobody],
      ['webhook', nobody],
      ['build', '7000'],
    ] as const) {
      const { code, err } = await slipway([noun, 'show', id])
      expect(err, noun).toContain(`See which there are: slipway ${noun} list`)
      expect(code).toBe(4)
    }
  })
})

describe('what is changed', () => {
  it('is a token’s secret, which is printed once; the one before is refused', async () => {
    const made = await slipway(['token', 'create', 'turned', '--role', 'viewer'])
    const turned = await slipway(['token', 'rotate', 'turned', '--expires', '2d'])
    expect(turned.out).toMatch(/^slw_\S+\n$/)
    expect(turned.out).not.toBe(made.out)
    const ask = (token: string) =>
      slipway(['whoami', '--json'], { env: { SLIPWAY_TOKEN: token.trim() } })
    const session = await ask(turned.out)
    expect(JSON.parse(session.out)).toMatchObject({
      name: 'turned',
      expires_at: expect.stringMatching(/Z$/) as string,
    })
    await expect.poll(async () => (await ask(made.out)).code, { timeout: 15_000 }).toBe(4)
    const again = await slipway(['token', 'rotate', 'turned', '--json'])
    const { token, name } = JSON.parse(again.out) as { token: string; name: string }
    expect(name).toBe('turned')
    expect(`${token}\n`).not.toBe(turned.out)
    const nobody = await slipway(['token', 'rotate', 'nobody'])
    expect(nobody).toMatchObject({ code: 4, out: '' })
  })

  it('is for how long things are kept, until that is taken back', async () => {
    const logs = async () => {
      const { out } = await slipway(['retention', 'show', '--json'])
      const { retention } = JSON.parse(out) as {
        retention: { kind: string; kept: string; source: string }[]
      }
      return retention.find(({ kind }) => kind === 'logs')
    }
    const before = await logs()
    const changed = await slipway(['retention', 'set', '--logs', '14d'])
    expect(changed.code, changed.err).toBe(0)
    expect(changed.out).toMatch(/^KIND +KEPT +SET BY +WHAT +NOW +SIZE +LAST REMOVED\n/)
    expect(changed.out).toMatch(/^logs +14d +admin /m)
    expect((await slipway(['retention', 'show'])).out).toMatch(/^logs +14d +admin /m)
    expect(await logs()).toMatchObject({ kept: '14d', source: 'changed' })
    const back = await slipway(['retention', 'set', '--logs', 'default', '--json'])
    expect(back.code, back.err).toBe(0)
    expect(await logs()).toMatchObject({ kept: before?.kept, source: before?.source })
    expect(await slipway(['retention', 'set'])).toMatchObject({ code: 2, out: '' })
    expect(await slipway(['retention', 'set', '--logs', 'soon'])).toMatchObject({ code: 4 })
  })

  it('is found in the audit log by words', async () => {
    await slipway(['token', 'create', 'noted', '--role', 'viewer'])
    const search = ['audit', 'list', '--search', 'V1/TOKENS', '-n', '3']
    const found = await slipway([...search, '--json'])
    const { entries } = JSON.parse(found.out) as { entries: { action: string }[] }
    expect(entries.length).toBeGreaterThan(0)
    expect(entries.every(({ action }) => action.includes('/v1/tokens'))).toBe(true)
    expect((await slipway(search)).out).toContain('POST /v1/tokens')
    const none = await slipway(['audit', 'list', '--search', 'nothing like it'])
    expect(none).toEqual({ code: 0, out: '', err: 'No such entries.\n' })
  })
})

describe('who may not', () => {
  it('is told what to do: without a token, with a wrong one, with too few rights', async () => {
    const nobody = await slipway(['token', 'list'], { env: { SLIPWAY_TOKEN: '' } })
    expect(nobody.code).toBe(4)
    expect(nobody.err).toContain(`slipway login --url ${server.url}`)
    const wrong = await slipway(['token', 'list', '--json'], { env: { SLIPWAY_TOKEN: 'slw_x' } })
    const { error } = JSON.parse(wrong.err) as { error: { code: string; hint: string } }
    expect(error).toMatchObject({
      code: 'authentication_failed',
      hint: expect.stringContaining('SLIPWAY_TOKEN') as string,
    })
    const made = await slipway(['token', 'create', 'looker', '--role', 'viewer'])
    const env = { SLIPWAY_TOKEN: made.out.trim() }
    const refused = await slipway(['secret', 'set', 'X', '-r', 'a/b'], { env, input: 'y' })
    expect(refused.code).toBe(4)
    expect(refused.err).toContain('slipway whoami')
  })
})

describe('slipway doctor', () => {
  interface Report {
    findings: { check: string; result: string; message: string; advice?: string }[]
  }
  const findingsOf = (out: string) =>
    new Map((JSON.parse(out) as Report).findings.map((one) => [one.check, one]))

  it('looks at server, clock, version and token', async () => {
    const { code, out } = await slipway(['doctor', '--json'])
    const found = findingsOf(out)
    for (const check of ['node', 'git', 'settings', 'way', 'server', 'clock', 'version', 'token']) {
      expect(found.get(check)?.result, check).toBe('pass')
    }
    expect(found.get('token')?.message).toMatch(/^admin: admin \(\d+ permissions\)/)
    expect(code).toBe(0)
    const lines = (await slipway(['doctor'])).out.split('\n')
    expect(lines.find((line) => line.includes('  server '))).toMatch(/^OK {4}server +healthy/)
  })

  it('says what to do about a token that ends soon, and one that is wrong', async () => {
    const made = await slipway(['token', 'create', 'brief', '--role', 'viewer', '--expires', '2d'])
    const brief = await slipway(['doctor', '--json'], { env: { SLIPWAY_TOKEN: made.out.trim() } })
    expect(findingsOf(brief.out).get('token')).toMatchObject({
      result: 'warn',
      advice: expect.stringContaining('slipway token rotate') as string,
    })
    const wrong = await slipway(['doctor', '--json'], { env: { SLIPWAY_TOKEN: 'slw_x' } })
    expect(findingsOf(wrong.out).get('token')).toMatchObject({ result: 'fail' })
    expect(wrong.code).toBe(1)
  })

  it('warns of a clock that differs, another version, a proxy that is not used', async () => {
    const away = createServer((request, response) => {
      const timestamp = new Date(Date.now() + 3_600_000).toISOString()
      const answer =
        request.url === '/health'
          ? { status: 'degraded', timestamp, checks: { database: 'pass', job_bus: 'fail' } }
          : { info: { version: '9.9.9' } }
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void away.close())
    await once(away, 'listening')
    const { port } = away.address() as AddressInfo
    const env = { SLIPWAY_URL: `http://127.0.0.1:${port}`, SLIPWAY_TOKEN: '' }
    const { code, out } = await slipway(['doctor', '--json'], { env })
    const found = findingsOf(out)
    expect(found.get('clock')).toMatchObject({
      result: 'warn',
      message: expect.stringMatching(/^The server’s is (59m 5\ds|1h 00m) ahead/) as string,
    })
    expect(found.get('version')?.message).toContain('9.9.9 at the server')
    expect(found.get('server')).toMatchObject({ result: 'warn', message: 'degraded: job_bus' })
    expect(found.get('token')).toMatchObject({ result: 'warn', message: 'None is set' })
    expect(code).toBe(0)
    const proxied = { SLIPWAY_URL: 'http://nowhere.invalid', HTTP_PROXY: 'http://proxy.invalid' }
    const apart = await slipway(['doctor', '--json'], { env: proxied })
    expect(findingsOf(apart.out).get('way')).toMatchObject({ result: 'warn' })
    expect(apart.code).toBe(1)
  })
})

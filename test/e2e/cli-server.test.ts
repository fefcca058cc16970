import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { type CliOptions, runCli, temporaryDirectory } from '../support/run-cli.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

// The command against the real server: what a person does on the first day.

let server: TestServer
let repository: TestRepository

beforeAll(async () => {
  server = await startTestServer({ SLIPWAY_ALLOW_UNISOLATED: 'true' })
  repository = await createRepository(server.repositories, 'acme/shop')
})
afterAll(() => server.close())

const slipway = (args: readonly string[], options: CliOptions = {}) =>
  runCli(args, {
    cwd: repository.directory,
    ...options,
    env: { SLIPWAY_URL: server.url, SLIPWAY_TOKEN: server.token, ...options.env },
  })
const start = (commit: string, ...more: string[]) =>
  ['run', 'start', '-r', 'acme/shop', '-b', 'main', '-c', commit, ...more] as const

describe('a checkout', () => {
  it('is configured, checked, committed and run', async () => {
    await repository.commit({ 'README.md': 'shop' })
    expect(await slipway(['init', '--project', 'shop'])).toMatchObject({ code: 0 })
    expect(await slipway(['validate'])).toMatchObject({ code: 0 })
    await repository.git('add', '.forge')
    await repository.commit({})
    const { code, out } = await slipway(['run', 'start', '-r', 'acme/shop', '--watch'])
    expect(out).toMatch(/^test\/shop\/unit {2}success/m)
    expect(out).toMatch(/^run [0-9a-f-]{36} {2}success/m)
    expect(code).toBe(0)
  })

  it('without a configuration fails, and says what to add', async () => {
    const commit = await repository.commit({ '.forge': null })
    const { code, out } = await slipway(start(commit, '--watch'))
    expect(out).toContain('slipway init')
    expect(code).toBe(1)
  })
})

describe('a failing run', () => {
  it('shows the end of the log that matters; the log is there in full', async () => {
    const script = 'echo "looking for $PWD" >/dev/null; seq 1 30; echo oh no >&2; exit 7'
    const commit = await repository.commit(oneProject([{ name: 'unit', run: script }]))
    const { code, out } = await slipway(start(commit, '--watch'))
    expect(code).toBe(1)
    expect(out).toMatch(/test\/app\/unit {2}failed .*exit code 7/)
    expect(out).toContain('── test/app/unit\n')
    expect(out).toContain('30\noh no\n')
    expect(out).not.toContain('\n5\n')
    const id = /^run (\S+)/m.exec(out)?.[1] ?? ''
    const log = await slipway(['logs', id, 'unit'])
    expect(log.out.split('\n').slice(0, 3)).toEqual(['1', '2', '3'])
    expect((await slipway(['logs', id, '--tail', '1', '--json'])).out).toContain('"seq":31')
    const shown = await slipway(['run', 'get', id, '--json'])
    expect(JSON.parse(shown.out)).toMatchObject({ id, status: 'failed' })
    expect((await slipway(['run', 'list', '-r', 'acme/shop'])).out).toContain(id)
  })
})

describe('a run that goes on', () => {
  it('is followed while it writes, and cancelled', async () => {
    const script = 'echo begun; exec sleep 600'
    const commit = await repository.commit(oneProject([{ name: 'slow', run: script }]))
    const { out } = await slipway(start(commit, '--json'))
    const { id } = JSON.parse(out) as { id: string }
    const watching = slipway(['run', 'watch', id])

    // The line is with its reader before the step has ended.
    const begun = new EventTarget()
    const seen = once(begun, 'seen')
    const following = slipway(['logs', '-f', id], {
      onOutput: (printed) => {
        if (printed.includes('begun\n')) begun.dispatchEvent(new Event('seen'))
      },
    })
    await seen
    const again = await slipway(start(commit))
    expect(again.err).toContain(`slipway run show ${id}`)
    expect(again.code).toBe(4)

    expect((await slipway(['run', 'cancel', id])).code).toBe(0)
    expect((await watching).code).toBe(3)
    expect((await following).code).toBe(0)
    const late = await slipway(['run', 'cancel', id])
    expect(late.code).toBe(0)
  })
})

describe('tokens', () => {
  it('are made, limited, listed and revoked', async () => {
    const create = [
      'token',
      'create',
      'reader',
      '--role',
      'viewer',
      '-r',
      'acme/other',
      '--expires',
      '1h',
    ]
    const made = await slipway(create)
    expect(made.out).toMatch(/^slw_\S+\n$/)
    const env = { SLIPWAY_TOKEN: made.out.trim() }
    expect((await slipway(['token', 'list'])).out).toContain('acme/other')
    expect((await slipway(['token', 'list'], { env })).code).toBe(4)
    expect((await slipway(['run', 'list', '-r', 'acme/shop'], { env })).code).toBe(4)
    const doctor = await slipway(['doctor', '--json'], { env })
    expect(doctor.out).toContain('{"check":"token","result":"warn","message":"reader: viewer')
    expect(doctor.out).toContain('It ends soon: slipway token rotate')

    expect((await slipway(['token', 'revoke', 'reader'])).code).toBe(0)
    await expect
      .poll(async () => (await slipway(['run', 'list', '-r', 'acme/other'], { env })).err, {
        timeout: 15_000,
      })
      .toContain('revoked or expired')
  })
})

describe('events and health', () => {
  it('are those of the server', async () => {
    const events = await slipway([
      'events',
      '--after',
      '0',
      '-n',
      '1',
      '--type',
      'pipeline.run.created',
      '--json',
    ])
    expect(JSON.parse(events.out)).toMatchObject({
      event_type: 'pipeline.run.created',
      data: { repository: 'acme/shop' },
    })
    expect(await slipway(['health'])).toMatchObject({ code: 0 })
  })
})

describe('slipway serve', () => {
  it('runs the server’s own program, and stops it', async () => {
    const dataDir = await temporaryDirectory()
    const env = { PORT: '0', SLIPWAY_COMPAT_PORTS: '', SLIPWAY_DATA_DIR: dataDir }
    let stopped = false
    const serve = await runCli(['serve'], {
      env,
      onOutput: (out, signal) => {
        // Once: a second signal means "now".
        if (stopped || !out.includes('"msg":"listening"')) return
        stopped = true
        signal('SIGTERM')
      },
    })
    expect(serve.out).toContain('"msg":"stopped"')
    expect(serve.code).toBe(0)
    const migrate = await runCli(['migrate'], { env })
    expect(migrate.code).toBe(0)
    expect(migrate.out).toContain('up to date')
    const rotate = await runCli(['rotate-keys'], { env })
    expect(rotate.code, rotate.err).toBe(0)
    expect(rotate.out).toContain('"records":0')
  })

  it('starts nothing for a question or for words it does not know', async () => {
    expect(await runCli(['serve', '--help'])).toMatchObject({ code: 0, err: '' })
    expect(await runCli(['serve', '--port', '4'])).toMatchObject({ code: 2, out: '' })
  })
})

describe('slipway logs -f', () => {
  it('goes on through a restart of the server, and shows no line of the next attempt twice', async () => {
    const script = 'n=$(cat $SLIPWAY_CACHE/n || echo 0); echo 1 > $SLIPWAY_CACHE/n; echo "begun $n"'
    const commit = await repository.commit(
      oneProject([{ name: 's', action: 'run', run: `${script}; test $n = 1 || sleep 300` }]),
    )
    const started = await slipway([...start(commit), '--json'])
    const { id } = JSON.parse(started.out) as { id: string }
    const port = new URL(server.url).port
    let restarting: Promise<void> | undefined
    const { out, code } = await slipway(['logs', id, '-f'], {
      onOutput: (text) => {
        if (!text.includes('begun 0')) return
        restarting ??= server.stop().then(() => server.restart({ PORT: port }))
      },
    })
    await restarting
    expect(out.match(/begun \d/g)).toEqual(['begun 0', 'begun 1'])
    expect(code).toBe(0)
  }, 60_000)
})

import type { DelegatedJob } from '@slipway/contract/delegations'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type DelegationPlace, nothing, startDelegationPlace } from '../support/delegations.ts'
import { type CliOptions, runCli } from '../support/run-cli.ts'

// The commands for delegated jobs and runners, against a server and an engine.

// Each of many processes takes its time to start, on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 90_000 })

let place: DelegationPlace

beforeAll(async () => {
  place = await startDelegationPlace([
    { name: 'shell', labels: ['linux', 'shell'] },
    { name: 'ready', warm: 1 },
    { name: 'brief', limits: { timeout: '2s' } },
  ])
}, 120_000)
afterAll(() => place.close())

const slipway = (args: readonly string[], options: CliOptions = {}) =>
  runCli(['--url', place.server.url, '--token', place.server.token, ...args], options)

const delegate = (script: string, ...more: string[]) =>
  ['delegate', '-r', 'acme/shop', '--label', 'linux', '--workflow', script].concat(more)
const withoutStamps = (out: string) => out.replaceAll(/^\d{4}-[\dT:.-]+Z /gm, '')
const uuid = /^[0-9a-f-]{36}$/

describe('delegate', () => {
  it('prints the id, and the job is there as it was asked for', async () => {
    const asked = delegate('sleep 600', '--job', '77', '--run', '4711', '--attempt', '2')
    const more = ['--commit', 'abc123', '--ref', 'refs/heads/main', '--event', 'push']
    const people = ['--actor', 'alice', '--runner', 'proxy-1']
    const { code, out, err } = await slipway([...asked, ...more, ...people])
    const id = out.trim()
    expect({ code, err }).toEqual({ code: 0, err: `Watch it: slipway job watch ${id}\n` })
    expect(id).toMatch(uuid)
    const job = await place.until(id, ({ status }) => status === 'running')
    expect(job).toMatchObject({
      githubJobId: 77,
      runId: '4711',
      runAttempt: 2,
      repository: 'acme/shop',
      workflow: 'sleep 600',
      runnerName: 'proxy-1',
      sha: 'abc123',
      ref: 'refs/heads/main',
      eventName: 'push',
      actor: 'alice',
      labels: ['linux'],
    })
    const again = await slipway([...asked, '--json'])
    expect(JSON.parse(again.out)).toEqual({ delegationId: id, status: 'running' })
    const cancelled = await slipway(['job', 'cancel', id])
    expect(cancelled).toEqual({ code: 0, out: '', err: `Cancelled ${id}\n` })
    expect((await place.ended(id)).status).toBe('cancelled')
  })

  it('with --watch prints the log and exits with the exit code of the job', async () => {
    const script = 'echo one; echo two >&2; echo $GITHUB_REPOSITORY; exit 42'
    const { code, out, err } = await slipway(delegate(script, '--watch'))
    expect(code).toBe(42)
    const lines = withoutStamps(out).split('\n')
    expect(lines.toSorted()).toEqual(['', 'acme/shop', 'one', 'two'])
    expect(out).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z one$/m)
    expect(err.trim().split('\n').at(-1)).toMatch(/^job [0-9a-f-]{36} {2}failed .*exit code 42/)
  })

  it('exits with 0 when the job does, and with 3 when it is cancelled', async () => {
    const good = await slipway(delegate('true', '--watch', '--json'))
    expect(good.code).toBe(0)
    const last = JSON.parse(good.out.trim().split('\n').at(-1) ?? '') as DelegatedJob
    expect(last).toMatchObject({ status: 'completed', exitCode: 0 })
    const cancelling: Promise<unknown>[] = []
    const { code } = await slipway(delegate('echo up; sleep 600', '--watch'), {
      onOutput(out) {
        if (!out.includes('up') || cancelling.length > 0) return
        cancelling.push(
          newest().then(({ id }) =>
            place.server.json('POST', `/api/jobs/${id}/cancel`, { expect: 200 }),
          ),
        )
      },
    })
    await Promise.all(cancelling)
    expect(code).toBe(3)
  })

  it('exits with 1 when the job failed, whatever it exited with, and tells JSON as the log does', async () => {
    const script = `trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.1; done`
    const asked = ['job', 'create', '-r', 'acme/shop', '--label', 'brief', '--workflow', script]
    const { code, out } = await slipway([...asked, '--watch', '--json'])
    const told = out.trim().split('\n')
    expect(told.map((line) => JSON.parse(line) as object)).toMatchObject([
      { seq: 1, timestamp: expect.stringMatching(/Z$/), line: 'up' },
      { seq: 2, line: 'bye' },
      { seq: 3, line: expect.stringContaining('timeout') },
      { status: 'failed', exitCode: 0, metadata: { reason: 'timeout' } },
    ])
    expect(code).toBe(1)
  })

  it('leaves the job to itself when it is interrupted', async () => {
    const { code, err } = await slipway(delegate('echo up; sleep 600', '--watch'), {
      onOutput: (out, signal) => out.includes('up') && signal('SIGINT'),
    })
    expect(code).toBe(130)
    const { id, status } = await newest()
    expect(err).toContain(`The job goes on. Stop it: slipway job cancel ${id}\n`)
    expect(status).toBe('running')
    await slipway(['job', 'cancel', id])
  })

  it('says every problem of what is asked for', async () => {
    const args = ['delegate', '-r', 'acme/..', '--label', 'linux', '--run', ' ']
    const { code, err } = await slipway(args)
    expect(code).toBe(4)
    expect(err).toContain('/runId must not be blank')
    expect(err).toContain('/repository must be written as owner/repo')
  })
})

const newest = async () =>
  (await place.server.json<{ data: DelegatedJob[] }>('GET', '/api/jobs?limit=1')).data[0]!

describe('job', () => {
  it('watches until the end, a line for each change, and exits with the outcome', async () => {
    const id = await place.delegate('sleep 1; exit 3')
    const { code, out } = await slipway(['job', 'watch', id])
    expect(code).toBe(1)
    const lines = out.trim().split('\n')
    expect(lines.at(-1)).toMatch(new RegExp(`^job ${id} {2}failed .* exit code 3`))
    expect(new Set(lines).size).toBe(lines.length)
    const json = await slipway(['--json', 'job', 'watch', id])
    expect(JSON.parse(json.out)).toMatchObject({ id, status: 'failed', exitCode: 3 })
    expect(json.code).toBe(1)
  })

  it('says why a job waits', async () => {
    const id = await place.delegate('true', ['mainframe'])
    const { out } = await slipway(['job', 'show', id])
    expect(out).toMatch(new RegExp(`^job ${id} {2}queued {2}.*mainframe`))
    expect(out).toMatch(/^labels +mainframe$/m)
    await slipway(['job', 'cancel', id])
  })

  it('prints logs whole, their end, and as they come', async () => {
    const id = await place.delegate('echo one; echo two; echo three')
    const followed = await slipway(['job', 'logs', id, '--follow'])
    expect(withoutStamps(followed.out)).toBe('one\ntwo\nthree\n')
    await place.ended(id)
    const whole = await slipway(['job', 'logs', id])
    expect(whole.out).toBe(followed.out)
    const tail = await slipway(['job', 'logs', id, '-n', '1'])
    expect(withoutStamps(tail.out)).toBe('three\n')
    const json = await slipway(['--json', 'job', 'logs', id, '-f', '--after', '1'])
    const lines = json.out.trim().split('\n')
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { seq: 2, timestamp: expect.stringMatching(/Z$/), line: 'two' },
      { seq: 3, line: 'three' },
    ])
    const none = await place.delegate('true', ['mainframe'])
    expect(await slipway(['job', 'logs', none])).toEqual({ code: 0, out: '', err: '' })
    await slipway(['job', 'cancel', none])
  })

  it('lists jobs, filtered and by pages', async () => {
    const id = await place.delegate('exit 9')
    await place.ended(id)
    const { out } = await slipway(['job', 'list', '-r', 'owner/repo', '--status', 'failed'])
    const [head = '', first = ''] = out.split('\n')
    expect(head).toMatch(/^JOB +STATUS +REPOSITORY +WORKFLOW +NAME +CLASS +WAITED +TOOK$/)
    expect(first).toMatch(new RegExp(`^${id} +failed +owner/repo +exit 9 +.* shell +`))
    const page = await slipway(['--json', 'job', 'list', '-n', '1', '--page', '2'])
    const { jobs, total } = JSON.parse(page.out) as { jobs: unknown[]; total: number }
    expect(jobs).toHaveLength(1)
    expect(total).toBeGreaterThan(1)
    const empty = await slipway(['job', 'list', '-r', 'nobody/here'])
    expect(empty).toEqual({
      code: 0,
      out: '',
      err: 'No jobs. Ask for one: slipway delegate --watch\n',
    })
  })

  it('tells what there is not', async () => {
    const id = '550e8400-e29b-41d4-a716-446655440000'
    for (const command of [['show'], ['watch'], ['cancel'], ['logs'], ['logs', '-f']]) {
      const { code, err } = await slipway(['job', ...command, id])
      expect({ command, code }).toEqual({ command, code: 4 })
      expect(err).toMatch(/^error: There is no job/)
    }
    expect((await slipway(['job', 'show', 'x'])).code).toBe(4)
  })
})

describe('runner', () => {
  it('lists classes, and runners of every kind', async () => {
    const id = await place.delegate('sleep 600')
    await place.until(id, ({ status }) => status === 'running')
    await place.server.json('PUT', '/api/runners/proxy-7', {
      expect: 201,
      body: { labels: ['a'], repository: 'acme/proxied' },
    })
    const classes = await slipway(['runner', 'classes'])
    const [head = '', first = ''] = classes.out.split('\n')
    expect(head).toMatch(/^CLASS +ACTIVE +QUEUED +MOST +WARM +LIMITS +IMAGE +LABELS$/)
    expect(first).toMatch(/^shell +1 +0 +30 +0 +.* shell:1 +linux shell$/)
    const json = await slipway(['--json', 'runner', 'classes'])
    expect(JSON.parse(json.out)).toMatchObject({
      classes: [{ name: 'shell', active: 1 }, { name: 'ready', warm: 1 }, { name: 'brief' }],
    })
    const { out } = await slipway(['runner', 'list'])
    expect(out).toMatch(/ proxy +idle +acme\/proxied +- +\S+ ago +a$/m)
    expect(out).toMatch(/ ephemeral +busy +owner\/repo +shell /)
    const proxies = await slipway([
      '--json',
      'runner',
      'list',
      '--type',
      'proxy',
      '-r',
      'acme/proxied',
    ])
    const [proxy] = (JSON.parse(proxies.out) as { runners: { id: string; name: string }[] }).runners
    expect(proxy?.name).toBe('proxy-7')
    const shown = await slipway(['runner', 'show', proxy?.id ?? ''])
    expect(shown.out).toMatch(/^proxy-7\ntype +proxy\nstatus +idle\nlabels +a\n/)
    const removed = await slipway(['runner', 'remove', proxy?.id ?? ''])
    expect(removed).toEqual({ code: 0, out: '', err: `Deleted ${proxy?.id}\n` })
    expect((await slipway(['runner', 'show', proxy?.id ?? ''])).code).toBe(4)
    await slipway(['job', 'cancel', id])
  })
})

it('leaves nothing on the engine but what waits there, which the metrics tell', async () => {
  // A job that is stopped has ten seconds, and one was just now.
  await expect
    .poll(() => place.left(), { timeout: 60_000 })
    .toEqual({ ...nothing, containers: [expect.stringMatching(/^\/slipway-warm-/)] })
  const metrics = await (await place.server.request('GET', '/metrics')).text()
  expect(metrics).toContain('slipway_runner_pool_size{class="ready"} 1\n')
  expect(metrics).toMatch(/^github_runnerhub_jobs_total\{status="failed"\} [1-9]\d*$/m)
  expect(metrics).toMatch(/^github_runnerhub_job_duration_seconds_bucket\{le="10"\} [1-9]\d*$/m)
})

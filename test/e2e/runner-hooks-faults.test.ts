// What hooks do when something is wrong: they fail, and leave nothing behind.
import { chmod, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { nothing, shellImage } from '../support/delegations.ts'
import {
  type HookPlace,
  type HookResponse,
  startHookPlace,
  systemMounts,
} from '../support/runner-hooks.ts'

vi.setConfig({ testTimeout: 120_000 })

let place: HookPlace
beforeAll(async () => {
  place = await startHookPlace({ images: ['allowed/*'], limits: { pids: 200 } }, [
    { name: 'alone', network: 'none' },
    { name: 'brief', limits: { timeout: '3s' } },
  ])
})
afterAll(() => place?.close())
afterEach(async () => {
  for (const state of toCleanUp.splice(0)) {
    expect(await place.run('cleanup_job', { state })).toMatchObject({ code: 0 })
  }
  await expect.poll(() => place.left(), { timeout: 20_000 }).toEqual(nothing)
})

const toCleanUp: HookResponse['state'][] = []
const prepared = async (env = place.env()): Promise<HookResponse['state']> => {
  const { code, stderr, response } = await place.prepare({}, [], env)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  if (response === null) throw new Error('there is no response')
  toCleanUp.push(response.state)
  return response.state
}
const script = (text: string) => ({
  entryPoint: 'sh',
  entryPointArgs: ['-c', text],
  workingDirectory: '/__w',
})
const jobs = async () =>
  (await place.server.json<{ pagination: { total: number } }>('GET', '/api/jobs')).pagination.total

describe('what a class does not allow', () => {
  const at = (path: string) => join(place.folder, path)
  const mount = (sourceVolumePath: string, targetVolumePath = '/x', readOnly = false) => ({
    userMountVolumes: [{ sourceVolumePath, targetVolumePath, readOnly }],
  })
  it.each<[string, () => Record<string, unknown>, string]>([
    [
      'an image',
      () => ({ image: 'other:1' }),
      '/container/image is an image that the runner class',
    ],
    [
      'an option',
      () => ({ createOptions: '--cpus 1 --privileged' }),
      '--privileged is not taken here',
    ],
    ['the socket', () => mount('/var/run/docker.sock'), 'is not below what the runner class'],
    ['/', () => mount('/'), 'would give the job the token'],
    ['/proc', () => mount('/proc/1/root'), 'is not below what the runner class'],
    ['what a link leads to', () => mount(at('_work/link')), 'is not below what the runner class'],
    ['writing what may be read', () => mount(at('externals')), 'must be true below this directory'],
    ['a volume', () => mount('my_docker_volume'), 'there are no volumes of an engine here'],
  ])('%s', async (_, container, words) => {
    await rm(at('_work/link'), { force: true })
    await symlink('/etc', at('_work/link'))
    const before = await jobs()
    const { code, stderr, response } = await place.prepare(container())
    expect({ code, response }).toEqual({ code: 1, response: null })
    expect(stderr).toContain(words)
    expect(await jobs()).toBe(before)
  })

  it('is refused to services and actions as well, and services where others would meet them', async () => {
    const state = await prepared()
    const run = (args: object) => place.run('run_container_step', { state, args })
    for (const [args, words] of [
      [{ image: 'other:1' }, 'does not allow the image other:1'],
      [{ dockerfile: join(place.folder, '_work/Dockerfile') }, 'no actions with a Dockerfile'],
      [{ image: shellImage, createOptions: '--device /dev/sda' }, '--device is not taken here'],
      [{ image: shellImage, ...mount('/etc') }, 'is not below what the runner class'],
    ] as const) {
      const { code, stderr } = await run(args)
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(words) })
    }
    const service = { contextName: 'db', image: 'other:1' }
    expect((await place.prepare({}, [service])).stderr).toContain(
      'does not allow the image other:1',
    )
    const alone = { ...place.env('alone'), SLIPWAY_LABELS: 'alone' }
    const shell = {
      contextName: 'db',
      image: shellImage,
      entryPoint: 'sleep',
      entryPointArgs: ['9'],
    }
    expect((await place.prepare({}, [shell], alone)).stderr).toContain('its network is none')
  })
})

describe('the hooks', () => {
  it('run nothing on the runner itself', async () => {
    const { code, stderr } = await place.run('prepare_job', { args: { services: [] } })
    expect(code).toBe(1)
    expect(stderr).toContain('the job has no `container`')
  })

  it('take their token from a file of their own alone, and never say it', async () => {
    const env = place.env()
    const own = join(place.folder, 'own-token')
    const token = 'slw_somebody-elses-token-that-is-wrong'
    await writeFile(own, token, { mode: 0o600 })
    const said = async (more: Record<string, string>) => {
      const { code, stdout, stderr } = await place.prepare({}, [], { ...env, ...more })
      expect(code).toBe(1)
      expect(stdout + stderr).not.toContain(token)
      return stderr
    }
    expect(await said({ SLIPWAY_TOKEN_FILE: own })).toContain('the server refuses (401)')
    await chmod(own, 0o640)
    expect(await said({ SLIPWAY_TOKEN_FILE: own })).toContain('can be read by others')
    expect(await said({ SLIPWAY_TOKEN_FILE: join(own, 'x') })).toContain('cannot be read: ENOTDIR')
    expect(await said({ SLIPWAY_TOKEN_FILE: '' })).toContain('SLIPWAY_TOKEN_FILE is not set')
    expect(await said({ SLIPWAY_URL: 'http://slipway.example' })).toContain('SLIPWAY_URL is http')
    const inWork = join(place.folder, '_work/token')
    await writeFile(inWork, token, { mode: 0o600 })
    expect(await said({ SLIPWAY_TOKEN_FILE: inWork })).toContain('would give the job the token')
    await rm(inWork)
    const viewer = await place.server.json<{ token: string }>('POST', '/v1/tokens', {
      body: { name: 'viewer', roles: ['viewer'] },
    })
    await chmod(own, 0o600)
    await writeFile(own, viewer.token)
    expect(await said({ SLIPWAY_TOKEN_FILE: own })).toContain('the server refuses (403)')
  })

  it('may run steps of the jobs that they delegated, and of no others', async () => {
    const state = await prepared()
    const other = await place.server.json<{ token: string }>('POST', '/v1/tokens', {
      body: { name: 'other proxy', roles: ['service-account'] },
    })
    const path = `/api/jobs/${state.delegationId}`
    const body = { argv: ['true'] }
    const ask = async (token: string) =>
      (await place.server.request('POST', `${path}/exec`, { body, token })).status
    expect(await ask(other.token)).toBe(403)
    expect(await ask(place.server.token)).toBe(403)
    const gone = await place.server.request('DELETE', `${path}/container`, { token: other.token })
    expect(gone.status).toBe(403)
    const limited = await place.server.json<{ token: string }>('POST', '/v1/tokens', {
      body: { name: 'limited', roles: ['service-account'], repositories: ['owner/else'] },
    })
    expect(await ask(limited.token)).toBe(404)
  })

  it('say what they did not understand, and nothing of it', async () => {
    const { code, stderr } = await place.run('make_coffee', {})
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'slipway: there is no command "make_coffee"\n',
    })
    const unprepared = await place.run('run_script_step', { args: script('true') })
    expect(unprepared).toMatchObject({ code: 1, stdout: '' })
  })
})

describe('a job that goes wrong', () => {
  it('ends its command when the runner gives it up', async () => {
    for (const [signal, env] of [
      ['SIGINT', {}],
      ['SIGKILL', { 'INPUT_A-B': '1' }],
    ] as const) {
      const state = await prepared()
      const pulse = join(place.folder, '_work/_temp/pulse')
      const text = 'trap "" HUP; (while :; do echo . >> /__w/_temp/pulse; sleep 0.1; done) & wait'
      const args = { ...script(text), environmentVariables: env }
      const running = await place.start('run_script_step', { state, args })
      const beats = async () => (await readFile(pulse, 'utf8').catch(() => '')).length
      await expect.poll(beats).toBeGreaterThan(2)
      running.kill(signal)
      expect((await running.end).code).toBe(signal === 'SIGINT' ? 130 : null)
      const containerId = (await place.get(state.delegationId)).containerId ?? ''
      const left = async () => {
        const top = await place.dockerd.ask<{ Processes: string[][] }>(
          `/containers/${containerId}/top`,
        )
        return top.Processes.filter((row) => row.join(' ').includes('pulse'))
      }
      await expect.poll(left).toEqual([])
      expect(await place.run('cleanup_job', { state })).toMatchObject({ code: 0 })
      await rm(pulse)
      const { status } = await place.get(state.delegationId)
      // Of a hook that was killed nobody knows more than that it is over.
      expect(status).toBe(signal === 'SIGINT' ? 'cancelled' : 'completed')
    }
  })

  it('says what became of a container that was killed, or ran out of time', async () => {
    const killed = await prepared()
    const running = await place.start('run_script_step', {
      state: killed,
      args: script('echo on; sleep 300'),
    })
    await expect.poll(() => running.stdout()).toBe('on\n')
    const { containerId } = await place.get(killed.delegationId)
    await place.dockerd.ask(`/containers/${containerId}/kill`, 'POST')
    expect((await running.end).code).not.toBe(0)
    expect(await place.ended(killed.delegationId)).toMatchObject({
      status: 'failed',
      exitCode: 137,
    })
    const after = await place.run('run_script_step', { state: killed, args: script('true') })
    expect(after).toMatchObject({ code: 1 })
    expect(after.stderr).toContain('The job has ended as failed')
    expect(await place.run('cleanup_job', { state: killed })).toMatchObject({ code: 0 })

    const brief = { ...place.env('brief'), SLIPWAY_LABELS: 'brief' }
    const late = await prepared(brief)
    const args = script('echo on; sleep 300')
    const stopped = await place.run('run_script_step', { state: late, args }, brief)
    expect(stopped.code).not.toBe(0)
    expect(await place.ended(late.delegationId)).toMatchObject({
      status: 'failed',
      metadata: { reason: 'timeout' },
    })
  })

  it('waits for a place in its class, and can be given up meanwhile', async () => {
    const env = { ...place.env('nobody'), SLIPWAY_LABELS: 'hooks,nobody' }
    const running = await place.start(
      'prepare_job',
      {
        args: { container: { image: shellImage, systemMountVolumes: systemMounts(place.folder) } },
      },
      env,
    )
    await expect.poll(() => running.stdout()).toContain('No runner class has the labels nobody')
    running.kill('SIGINT')
    expect(await running.end).toMatchObject({ code: 130, response: null })
    const { data } = await place.server.json<{ data: { status: string }[] }>(
      'GET',
      '/api/jobs?limit=1',
    )
    expect(data[0]?.status).toBe('cancelled')
  })

  it('is cleaned up by a runner that was not told its state', async () => {
    const env = place.env('crashed')
    const { response } = await place.prepare({}, [], env)
    const id = response?.state.delegationId ?? ''
    expect((await place.get(id)).status).toBe('running')
    expect(await place.run('cleanup_job', { state: null }, env)).toMatchObject({ code: 0 })
    expect((await place.get(id)).status).toBe('completed')

    const second = (await place.prepare({}, [], env)).response?.state.delegationId ?? ''
    const third = await place.prepare({}, [], env)
    expect(third.stdout).toContain(`removing what is left of the job ${second}`)
    expect((await place.get(second)).status).toBe('failed')
    await place.run('cleanup_job', { state: third.response?.state }, env)
  })
})

describe('a token that was changed', () => {
  it('keeps no proxy from its next jobs, though what is left is another one’s', async () => {
    const env = place.env('changed')
    const left = await prepared(env)
    const { token } = await place.server.json<{ token: string }>('POST', '/v1/tokens', {
      body: { name: 'the next proxy', roles: ['service-account'] },
    })
    const next = { ...env, SLIPWAY_TOKEN_FILE: join(place.folder, 'next-token') }
    await writeFile(next.SLIPWAY_TOKEN_FILE, token, { mode: 0o600 })
    const { code, stdout, response } = await place.prepare({}, [], next)
    expect(code).toBe(0)
    expect(stdout).toContain('it is left to the server: the server refuses (403)')
    expect((await place.ended(left.delegationId)).status).toBe('failed')
    expect(await place.run('cleanup_job', { state: response?.state }, next)).toMatchObject({
      code: 0,
    })
  })
})

describe('a server that is away', () => {
  it('is waited for before a step, which fails where it breaks off in the middle', async () => {
    const state = await prepared()
    const running = await place.start('run_script_step', {
      state,
      args: script('echo on; sleep 300'),
    })
    await expect.poll(() => running.stdout()).toBe('on\n')
    const port = new URL(place.server.url).port
    await place.server.kill()
    expect(await running.end).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('the connection to the server broke off'),
    })
    const early = await place.start('run_script_step', { state, args: script('echo back') })
    await place.server.restart({ PORT: port })
    expect(await early.end).toMatchObject({ code: 0, stdout: 'back\n' })
  })

  it('is no server where it answers something else', async () => {
    const answers: (() => { status: number; body: string })[] = [
      () => ({ status: 200, body: '{"type":"output","data":"aGk="}\n' }),
      () => ({ status: 200, body: '{"type":"failed","error":"no way","code":"x"}\n' }),
      () => ({ status: 302, body: '' }),
    ]
    let answer = answers[0]
    const fake = createServer((_, reply) => {
      const { status, body } = answer?.() ?? { status: 500, body: '' }
      reply.writeHead(status, { location: 'http://elsewhere.test' }).end(body)
    })
    await new Promise<void>((resolve) => fake.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void fake.close())
    const url = `http://127.0.0.1:${(fake.address() as AddressInfo).port}`
    const env = { ...place.env('fake'), SLIPWAY_URL: url }
    const state = { delegationId: '0190a1b2-0000-7000-8000-000000000007' }
    const words = ['how the step ended is not known', 'no way', 'the server refuses (302)']
    for (const [index, each] of answers.entries()) {
      answer = each
      const ran = await place.run('run_script_step', { state, args: script('true') }, env)
      expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining(words[index] ?? '') })
    }
  })
})

describe('what the hooks ask for', () => {
  const id = '0190a1b2-0000-7000-8000-000000000008'
  /** A server that notes what it is asked, and answers when it is let. */
  async function listen(isLet: () => Promise<void>) {
    const asked: { what: string; body: string }[] = []
    const answer = async (request: IncomingMessage, reply: ServerResponse) => {
      const body = (await request.toArray()).join('')
      const what = `${request.method} ${request.url}`
      asked.push({ what, body })
      if (what.endsWith('/delegate')) await isLet()
      const result = { container: { id: 'c', network: 'n' }, services: [], isAlpine: false }
      reply.end(`${JSON.stringify({ data: { delegationId: id }, type: 'done', result })}\n`)
    }
    const fake = createServer((request, reply) => void answer(request, reply))
    await new Promise<void>((resolve) => fake.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void fake.close())
    const url = `http://127.0.0.1:${(fake.address() as AddressInfo).port}`
    const what = () => asked.map((each) => each.what)
    return { env: { ...place.env('asked'), SLIPWAY_URL: url }, asked, what }
  }

  it('is removed where they are told to end while they ask for it', async () => {
    let go = () => {}
    const isLet = new Promise<void>((resolve) => (go = resolve))
    const { env, what } = await listen(() => isLet)
    const args = { container: { image: shellImage } }
    const running = await place.start('prepare_job', { args }, env)
    await expect.poll(what).toEqual(['POST /api/jobs/delegate'])
    running.kill('SIGINT')
    go()
    expect(await running.end).toMatchObject({ code: 130, response: null })
    expect(what().slice(-2)).toEqual([
      `POST /api/jobs/${id}/proxy-complete`,
      `DELETE /api/jobs/${id}/container`,
    ])
  })

  it('calls services by names that hosts may have, whatever their images are called', async () => {
    const { env, asked } = await listen(async () => {})
    const images = ['ghcr.io/acme/my.db:1', 'redis@sha256:01', 'a__b.:2']
    const services = images.map((image) => ({ image }))
    const args = { container: { image: shellImage }, services }
    expect(await place.run('prepare_job', { args }, env)).toMatchObject({ code: 0 })
    const { body = '' } = asked.find(({ what }) => what.endsWith(`${id}/container`)) ?? {}
    const { services: wanted } = JSON.parse(body) as { services: { names: string[] }[] }
    expect(wanted.map(({ names }) => names)).toEqual([['my-db'], ['redis'], ['a__b']])
    expect(await place.run('cleanup_job', {}, env)).toMatchObject({ code: 0 })
  })
})

// The start of a proxy runner's image, with a runner that only says how it was called.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'

const script = fileURLToPath(new URL('../../deploy/runner/start-proxy.sh', import.meta.url))

async function startProxy(more: Record<string, string> = {}) {
  const root = await mkdtemp(join(tmpdir(), 'slipway-proxy-start-'))
  const [source, home] = [join(root, 'source'), join(root, 'home')]
  await mkdir(source)
  await mkdir(home)
  const executable = { mode: 0o755 }
  await writeFile(
    join(source, 'config.sh'),
    '#!/bin/sh\necho "$@" >> called; echo "$ACTIONS_RUNNER_INPUT_TOKEN" >> given; touch .runner\n',
    executable,
  )
  await writeFile(
    join(source, 'run.sh'),
    '#!/bin/sh\ntrap "echo told $RUNNER_MANUALLY_TRAP_SIG; exit 3" TERM\necho up\nwhile :; do sleep 0.05; done\n',
    executable,
  )
  await writeFile(join(root, 'registration'), 'a-registration-token')
  await writeFile(join(root, 'token'), 'slw_a-token-of-a-proxy')
  const beats: string[] = []
  const server = createServer((request, reply) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      beats.push(`${request.method} ${request.url} ${request.headers.authorization} ${body}`)
      reply.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.close()
    await rm(root, { recursive: true, maxRetries: 5, retryDelay: 100 })
  })
  const env = {
    PATH: process.env['PATH'] ?? '',
    PROXY_HOME: home,
    PROXY_NAME: 'box-1',
    GITHUB_URL: 'https://github.com/acme/shop',
    REGISTRATION_FILE: join(root, 'registration'),
    RUNNER_SOURCE: source,
    SLIPWAY_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    SLIPWAY_TOKEN_FILE: join(root, 'token'),
    ...more,
  }
  const launch = () => {
    const child = spawn(script, { env, detached: true })
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (out += chunk.toString()))
    return { child, out: () => out, end: once(child, 'exit') }
  }
  return { home, beats, launch }
}

it('registers once, says that it is there, and hands on that it is to end', async () => {
  const { home, beats, launch } = await startProxy()
  for (let start = 0; start < 2; start++) {
    const { child, out, end } = launch()
    await expect.poll(out).toContain('up\n')
    await expect.poll(() => beats.length).toBe(start + 1)
    child.kill('SIGTERM')
    expect(await end).toEqual([3, null])
    expect(out()).toBe('up\ntold 1\n')
    // What still sleeps belongs to its group.
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  }
  expect(await readFile(join(home, 'called'), 'utf8')).toBe(
    '--unattended --replace --url https://github.com/acme/shop --name box-1 --labels slipway-proxy --work _work\n',
  )
  expect(await readFile(join(home, 'given'), 'utf8')).toBe('a-registration-token\n')
  expect(beats[0]).toBe(
    'PUT /api/runners/box-1 Bearer slw_a-token-of-a-proxy {"repository":"acme/shop"}',
  )
})

it('keeps its token out of what jobs see', async () => {
  const { home } = await startProxy()
  const { launch } = await startProxy({ PROXY_HOME: home, SLIPWAY_TOKEN_FILE: join(home, 'token') })
  const { out, end } = launch()
  expect(await end).toEqual([1, null])
  expect(out()).toContain('SLIPWAY_TOKEN_FILE must not be below PROXY_HOME')
})

// A first start that fails must not take the administrator's token with it.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'

const main = fileURLToPath(new URL('../../packages/server/dist/main.js', import.meta.url))

let dataDir: string
let other: Server
beforeEach(async () => {
  dataDir = join(await mkdtemp(join(tmpdir(), 'slipway-first-')), 'data')
  other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
})
afterEach(async () => {
  other.close()
  await rm(join(dataDir, '..'), { recursive: true, force: true })
})

/** Starts the program, stops it once it has said `at`, and answers what it said. */
async function startOnce(
  port: number,
  at = 'listening',
): Promise<{ code: number | null; out: string; err: string }> {
  const env = {
    PATH: process.env['PATH'] ?? '',
    PORT: String(port),
    SLIPWAY_COMPAT_PORTS: '',
    SLIPWAY_DATA_DIR: dataDir,
  }
  const child = execFile(process.execPath, [main, 'serve'], { env, timeout: 30_000 })
  let out = ''
  let err = ''
  child.stderr?.on('data', (text: string) => (err += text))
  child.stdout?.on('data', (text: string) => {
    out += text
    if (out.includes(`"msg":"${at}"`) && !child.killed) child.kill('SIGTERM')
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out, err }
}

it('names a port that is taken, and says at the next start where the token is', async () => {
  const { port } = other.address() as AddressInfo
  const failed = await startOnce(port)
  expect(failed.code).toBe(1)
  expect(failed.err).toBe(
    `Cannot listen on http://127.0.0.1:${port} (EADDRINUSE): the port is taken. ` +
      'Stop the program that listens on it, or set PORT to another one.\n',
  )

  const path = join(dataDir, 'admin-token')
  const token = (await readFile(path, 'utf8')).trim()
  const next = await startOnce(0)
  expect(next.code).toBe(0)
  const lines = next.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { msg: string; path?: string })
  expect(lines.find(({ msg }) => msg.includes('token'))?.path).toBe(path)
  expect(next.out + next.err).not.toContain(token)
  // Every line says something.
  expect(lines.map(({ msg }) => msg)).not.toContain('')
})

it('stops, in order, also when it is told to while it starts', async () => {
  const { code, out } = await startOnce(0, 'executor is open')
  expect(code).toBe(0)
  expect(out).toContain('"msg":"stopped"')
  expect(out).not.toContain('"msg":"listening"')
})

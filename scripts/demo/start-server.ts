import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../packages/server/dist/main.js', import.meta.url))
const startMs = 60_000

export interface DemoServer {
  url: string
  /** How it isolates the steps it runs. */
  isolation: string
  /** Resolves when the process has ended, however. */
  ended: Promise<void>
  stop(): Promise<void>
}

/** Starts the real server with settings of the demo's own, on port 3000 if nobody has it. */
export async function startDemoServer(settings: Record<string, string>): Promise<DemoServer> {
  const port = process.env.PORT ?? (await freePort(3000))
  const child = spawn(process.execPath, [main, 'serve'], {
    env: { ...process.env, SLIPWAY_COMPAT_PORTS: '', ...settings, PORT: port },
    stdio: ['ignore', 'pipe', 'inherit'],
    // Ctrl-C is for the demo, which then stops its server.
    detached: true,
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const { url, isolation } = await listening(child)
  return {
    url,
    isolation,
    ended,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

async function listening(child: ChildProcess): Promise<{ url: string; isolation: string }> {
  const { stdout } = child
  if (stdout === null) throw new Error('the server has no output')
  const lines = createInterface({ input: stdout })
  const said: string[] = []
  const timer = setTimeout(() => child.kill('SIGKILL'), startMs)
  try {
    for await (const line of lines) {
      said.push(line)
      const entry = JSON.parse(line) as { msg?: string; url?: string; isolation?: string }
      if (entry.msg !== 'listening') continue
      stdout.resume()
      return { url: entry.url ?? '', isolation: entry.isolation ?? '' }
    }
  } finally {
    clearTimeout(timer)
  }
  throw new Error(`The server did not start:\n${said.join('\n')}`)
}

async function freePort(wanted: number): Promise<string> {
  const probe = createServer()
  probe.listen(wanted, '127.0.0.1')
  const free = await Promise.race([
    once(probe, 'listening').then(() => true),
    once(probe, 'error').then(() => false),
  ]).catch(() => false)
  probe.close()
  return free ? String(wanted) : '0'
}

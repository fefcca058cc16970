import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { vi } from 'vitest'
import { type DrivenBrowser, endGroup, waitForLine } from './driven-browser.ts'

const miniBrowser = '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser'
const answerMs = 60_000

/** WebKit as GNOME's browser has it, on a screen that nobody sees, by WebDriver. */
export async function startWebKit(): Promise<DrivenBrowser> {
  const home = await mkdtemp(join(tmpdir(), 'slipway-test-'))
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    XDG_RUNTIME_DIR: home,
    GSETTINGS_BACKEND: 'memory',
    NO_AT_BRIDGE: '1',
    LIBGL_ALWAYS_SOFTWARE: '1',
  }
  const screen = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x1000x24'], {
    env,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    detached: true,
  })
  const programs = [screen]
  const close = async () => {
    for (const program of programs.toReversed()) await endGroup(program)
    await rm(home, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    const display = await waitForLine(screen, screen.stdio[3] as Readable, /(\d+)\n/)
    const port = await freePort()
    const driver = spawn('WebKitWebDriver', [`--port=${port}`, '--host=127.0.0.1'], {
      env: { ...env, DISPLAY: `:${display}` },
      stdio: 'ignore',
      detached: true,
    })
    programs.push(driver)
    const base = `http://127.0.0.1:${port}`
    await vi.waitFor(() => call(base, 'GET', '/status'), { timeout: answerMs, interval: 50 })
    return await drive(base, close)
  } catch (error) {
    await close()
    throw error
  }
}

async function drive(base: string, end: () => Promise<void>): Promise<DrivenBrowser> {
  const capabilities = {
    // That a page has been loaded is waited for here: what stays open is not waited for.
    pageLoadStrategy: 'none',
    'webkitgtk:browserOptions': { binary: miniBrowser, args: ['--automation'] },
  }
  const { sessionId } = await call<{ sessionId: string }>(base, 'POST', '/session', {
    capabilities: { alwaysMatch: capabilities },
  })
  const session = `/session/${sessionId}`
  await call(base, 'POST', `${session}/window/rect`, { x: 0, y: 0, width: 1280, height: 1000 })
  const evaluate = async <T>(expression: string): Promise<T> => {
    const script = `return JSON.stringify([${expression}])`
    const body = { script, args: [] }
    return (JSON.parse(await call(base, 'POST', `${session}/execute/sync`, body)) as [T])[0]
  }
  const heard: string[] = []
  const takeComplaints = async () => {
    heard.push(...(await evaluate<string[]>('globalThis.complaints?.splice(0) ?? []')))
    return heard.splice(0)
  }
  return {
    async goto(url) {
      heard.push(...(await takeComplaints()))
      await evaluate('globalThis.isLeft = true')
      await call(base, 'POST', `${session}/url`, { url })
      const isThere = `!globalThis.isLeft && document.readyState === 'complete'`
      await vi.waitFor(
        async () => {
          if (!(await evaluate<boolean>(isThere))) throw new Error(`${url} is not loaded`)
        },
        { timeout: answerMs, interval: 50 },
      )
      await evaluate(`(${gatherComplaints})()`)
    },
    evaluate,
    perform: (actions) => call(base, 'POST', `${session}/actions`, { actions }),
    async screenshot() {
      return Buffer.from(await call<string>(base, 'GET', `${session}/screenshot`), 'base64')
    },
    takeComplaints,
    async close() {
      await call(base, 'DELETE', session).catch(() => undefined)
      await end()
    },
  }
}

/** WebDriver tells nothing of the console: the page keeps it, from when it has been loaded on. */
const gatherComplaints = `() => {
  const complaints = (globalThis.complaints = [])
  const error = console.error
  console.error = (...said) => {
    complaints.push('console: ' + said.join(' '))
    error(...said)
  }
  addEventListener('error', ({ message }) => complaints.push('script: ' + message))
  addEventListener('unhandledrejection', ({ reason }) => complaints.push('script: ' + reason))
  addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => {
    complaints.push('blocked by ' + effectiveDirective + ': ' + blockedURI)
  })
}`

async function call<T>(base: string, method: string, path: string, body?: object): Promise<T> {
  const response = await fetch(base + path, {
    method,
    signal: AbortSignal.timeout(answerMs),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const { value } = (await response.json()) as { value: T & { error?: string; message?: string } }
  if (!response.ok) throw new Error(`${method} ${path}: ${value.error} ${value.message}`)
  return value
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

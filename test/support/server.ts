import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../packages/server/dist/main.js', import.meta.url))
const startMs = 60_000
const stopMs = 20_000

/** A real server in a process of its own, with a data directory and Git repositories of its own. */
export interface TestServer {
  readonly url: string
  readonly dataDir: string
  /** Where its repositories are: `<repositories>/<owner>/<name>.git`. */
  readonly repositories: string
  /** The administrator's token. */
  readonly token: string
  /** Everything it has logged. */
  readonly output: string[]
  request(method: string, path: string, options?: RequestOptions): Promise<Response>
  /** The same, with the body parsed; fails on any other status than `expect`. */
  json<T>(method: string, path: string, options?: RequestOptions & { expect?: number }): Promise<T>
  pid(): number
  /** SIGTERM, and waits for the end. */
  stop(): Promise<number | null>
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>
  /** Starts it again on the same data directory. */
  restart(env?: Record<string, string>): Promise<void>
  /** Ends it and removes everything. */
  close(): Promise<void>
}

export interface RequestOptions {
  body?: unknown
  /** Null: none. Default: the administrator's. */
  token?: string | null
  headers?: Record<string, string>
  signal?: AbortSignal
}

export async function startTestServer(env: Record<string, string> = {}): Promise<TestServer> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-test-'))
  const dataDir = join(root, 'data')
  const repositories = join(root, 'repositories')
  await mkdir(repositories)
  const token = 'an-admin-token-for-tests'
  const output: string[] = []
  let child: ChildProcess
  let url = ''

  const start = async (more: Record<string, string> = {}) => {
    ;({ child, url } = await launch(
      {
        PATH: process.env.PATH ?? '',
        PORT: '0',
        SLIPWAY_COMPAT_PORTS: '',
        SLIPWAY_DATA_DIR: dataDir,
        SLIPWAY_ADMIN_TOKEN: token,
        SLIPWAY_ALLOW_FILE_REPOSITORIES: 'true',
        GIT_BASE_URL: `file://${repositories}`,
        ...env,
        ...more,
      },
      output,
    ))
  }
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
    const exit = once(child, 'exit', { signal: AbortSignal.timeout(stopMs) })
    child.kill(signal)
    const [code] = (await exit) as [number | null]
    return code
  }
  await start()
  const server: TestServer = {
    get url() {
      return url
    },
    dataDir,
    repositories,
    token,
    output,
    request(method, path, options = {}) {
      const bearer = options.token === undefined ? token : options.token
      return fetch(new URL(path, url), {
        method,
        headers: {
          ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
          ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...options.headers,
        },
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      })
    },
    async json<T>(
      method: string,
      path: string,
      options: RequestOptions & { expect?: number } = {},
    ) {
      const response = await server.request(method, path, options)
      const text = await response.text()
      const expected = options.expect ?? (method === 'POST' ? 201 : 200)
      if (response.status !== expected) {
        throw new Error(`${method} ${path}: ${response.status} ${text}`)
      }
      return (text === '' ? undefined : JSON.parse(text)) as T
    },
    pid: () => child.pid ?? 0,
    stop: () => end('SIGTERM'),
    kill: async () => void (await end('SIGKILL')),
    restart: (more) => start(more),
    async close() {
      await end('SIGTERM').catch(() => end('SIGKILL'))
      await rm(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  return server
}

/** Starts the program and waits until it says where it listens. */
async function launch(env: Record<string, string>, output: string[]) {
  const child = spawn(process.execPath, [main, 'serve'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const lines = createInterface({ input: child.stdout })
  createInterface({ input: child.stderr }).on('line', (line) => output.push(line))
  const url = await new Promise<string>((resolve, reject) => {
    const fail = (why: string) => {
      child.kill('SIGKILL')
      reject(new Error(`the server ${why}:\n${output.join('\n')}`))
    }
    const timer = setTimeout(() => fail('did not start in time'), startMs)
    child.once('exit', (code) => fail(`ended with ${code}`))
    lines.on('line', (line) => {
      output.push(line)
      const listening = /"url":"(http[^"]+)".*"msg":"listening"/.exec(line)?.[1]
      if (listening === undefined) return
      clearTimeout(timer)
      child.removeAllListeners('exit')
      resolve(listening)
    })
  })
  return { child, url }
}

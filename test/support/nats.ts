import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** Debian's `nats-server` with JetStream, on a port and in a folder of its own. */
export interface TestNats {
  /** `127.0.0.1:<port>` */
  readonly host: string
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>
  /** SIGTERM, and waits for the end. */
  stop(): Promise<void>
  /** On the same port and folder. */
  start(): Promise<void>
  close(): Promise<void>
}

export interface TestNatsOptions {
  /** Lines of the configuration, such as `authorization { token: x }`. */
  configuration?: string
}

const startMs = 20_000

export async function startNats(options: TestNatsOptions = {}): Promise<TestNats> {
  const [port = 0] = await freePorts(1)
  return await startNode({ port, name: 'one', more: options.configuration ?? '' })
}

/** Three nodes that keep each stream on all of them, if it is wanted. */
export async function startNatsCluster(): Promise<{ nodes: TestNats[]; close(): Promise<void> }> {
  const ports = await freePorts(6)
  const routes = ports.slice(3).map((port) => `nats://127.0.0.1:${port}`)
  const nodes: TestNats[] = []
  const close = async () => {
    await Promise.all(nodes.map((node) => node.close()))
  }
  try {
    const started = [0, 1, 2].map((n) =>
      startNode({
        port: ports[n] ?? 0,
        name: `node-${n}`,
        more: `cluster { name: test, listen: "127.0.0.1:${ports[n + 3]}", routes: ${JSON.stringify(routes)} }`,
      }),
    )
    for (const node of await Promise.all(started)) nodes.push(node)
    return { nodes, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function startNode(input: { port: number; name: string; more: string }): Promise<TestNats> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-nats-'))
  const file = join(folder, 'nats.conf')
  await mkdir(join(folder, 'store'))
  await writeFile(
    file,
    `listen: "127.0.0.1:${input.port}"
server_name: ${input.name}
jetstream { store_dir: ${JSON.stringify(join(folder, 'store'))}, max_file_store: 1GB }
${input.more}
`,
  )
  let child: ChildProcess | null = null
  const end = async (signal: NodeJS.Signals) => {
    const ending = child
    child = null
    if (ending === null || ending.exitCode !== null || ending.signalCode !== null) return
    const exit = once(ending, 'exit')
    ending.kill(signal)
    await exit
  }
  const node: TestNats = {
    host: `127.0.0.1:${input.port}`,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    async start() {
      child = await launch(file)
    },
    async close() {
      await end('SIGKILL')
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  try {
    await node.start()
    return node
  } catch (error) {
    await node.close()
    throw error
  }
}

async function launch(file: string): Promise<ChildProcess> {
  const child = spawn('nats-server', ['-c', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'] },
  })
  const output: string[] = []
  const lines = createInterface({ input: child.stderr })
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string) => {
      child.kill('SIGKILL')
      reject(new Error(`nats-server ${why}:\n${output.join('\n')}`))
    }
    const timer = setTimeout(() => fail('did not start in time'), startMs)
    child.once('error', (error) => fail(error.message))
    child.once('exit', (code) => fail(`ended with ${code}`))
    lines.on('line', (line) => {
      output.push(line)
      if (!line.includes('Server is ready')) return
      clearTimeout(timer)
      child.removeAllListeners('exit')
      child.removeAllListeners('error')
      lines.removeAllListeners('line')
      // What it says later must go somewhere, or it would stop.
      lines.on('line', () => {})
      resolve()
    })
  })
  return child
}

/** Held all at once, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, rmdir } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { pack } from 'tar-stream'

const run = promisify(execFile)

export interface Dockerd {
  /** For DOCKER_HOST. */
  readonly host: string
  readonly socketPath: string
  /** Asks the engine itself; the answer as JSON. */
  ask<T>(path: string, method?: string): Promise<T>
  /** Ends it and everything that it started, and takes away what it mounted and made. */
  close(): Promise<void>
}

/**
 * Debian's Docker engine with data, socket and control groups of its own. It touches neither the
 * machine's firewall nor its interfaces: containers have no network.
 */
export async function startDockerd(): Promise<Dockerd> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-dockerd-'))
  const socketPath = join(folder, 'docker.sock')
  const cgroup = basename(folder)
  const child = spawn(
    'dockerd',
    Object.entries({
      host: `unix://${socketPath}`,
      'data-root': join(folder, 'root'),
      'exec-root': join(folder, 'exec'),
      pidfile: join(folder, 'dockerd.pid'),
      'cgroup-parent': `/${cgroup}`,
      'exec-opt': 'native.cgroupdriver=cgroupfs',
      bridge: 'none',
      iptables: 'false',
      ip6tables: 'false',
      'ip-masq': 'false',
      'ip-forward': 'false',
      'userland-proxy': 'false',
      'shutdown-timeout': '1',
    }).map(([option, value]) => `--${option}=${value}`),
    {
      // A group of its own, which containerd and its shims belong to as well.
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: `/usr/sbin:/sbin:${process.env['PATH']}`, HOME: folder },
    },
  )
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)))
  const ended = once(child, 'exit').catch((error: unknown) => [error])

  const ask = async <T>(path: string, method = 'GET') => askEngine<T>(socketPath, path, method)
  const close = async () => {
    child.kill('SIGTERM')
    const late = AbortSignal.timeout(20_000)
    await Promise.race([ended, once(late, 'abort')])
    killGroup(child.pid)
    await ended
    await unmountBelow(folder)
    await removeGroups(cgroup)
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
  try {
    await Promise.race([
      isUp(ask),
      ended.then(() => Promise.reject(new Error(`dockerd ended: ${said}`))),
    ])
    return { host: `unix://${socketPath}`, socketPath, ask, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** A tar archive of these files; a text is executable where it begins with `#!`. */
export function contextOf(files: Readonly<Record<string, string | Buffer>>): Readable {
  const archive = pack()
  for (const [name, content] of Object.entries(files)) {
    const isExecutable = Buffer.isBuffer(content) || content.startsWith('#!')
    archive.entry({ name, mode: isExecutable ? 0o755 : 0o644 }, content)
  }
  archive.finalize()
  return Readable.from(archive, { objectMode: false })
}

/** A shell that needs nothing else, so that images can be built without pulling any. */
export const busybox = () => readFile('/bin/busybox')

/** Begins a Dockerfile whose RUN lines find the commands of busybox, which is in the context. */
export const fromBusybox = [
  'FROM scratch',
  'COPY busybox /bin/busybox',
  'COPY busybox /bin/sh',
  'SHELL ["/bin/busybox", "sh", "-c"]',
].join('\n')

async function isUp(ask: Dockerd['ask']): Promise<void> {
  const until = performance.now() + 30_000
  for (;;) {
    try {
      await ask('/version')
      return
    } catch (error) {
      if (performance.now() > until) throw error
      await sleep(50)
    }
  }
}

function askEngine<T>(socketPath: string, path: string, method: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, method, agent: false }, (answer) => {
      let text = ''
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()))
      answer.on('error', reject)
      answer.on('end', () => {
        if ((answer.statusCode ?? 500) < 300) resolve((text === '' ? null : JSON.parse(text)) as T)
        else reject(new Error(text))
      })
    })
    asked.on('error', reject).end()
  })
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Nobody is left.
  }
}

/** The deepest first. */
async function unmountBelow(folder: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8'))
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(`${folder}/`))
  for (const path of mounts.toReversed()) await run('umount', ['-l', path]).catch(() => {})
}

/** Control groups are folders that are removed when nobody is in them any more. */
async function removeGroups(name: string): Promise<void> {
  const root = '/sys/fs/cgroup'
  const controllers = await readdir(root).catch(() => [])
  for (const place of ['', ...controllers]) await removeGroup(join(root, place, name))
}

async function removeGroup(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => [])
  for (const entry of entries) if (entry.isDirectory()) await removeGroup(join(path, entry.name))
  for (let attempt = 0; attempt < 20; attempt++) {
    try {
      return await rmdir(path)
    } catch (error) {
      if ((error as { code?: string }).code !== 'EBUSY') return
      await sleep(50)
    }
  }
}

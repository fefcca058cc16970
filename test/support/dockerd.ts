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
  /** Makes an image of these files, without building it. */
  importImage(name: string, files: Readable, changes?: readonly string[]): Promise<void>
  /** Kills the engine as a crash would, without its containers being told. */
  kill(): Promise<void>
  /** Starts it again on what there is, and waits until it answers. */
  start(): Promise<void>
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
  const launch = () =>
    spawn(
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
  let child = launch()
  let ended: Promise<unknown>
  const groups: number[] = []
  const watch = () => {
    said = ''
    child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)))
    ended = once(child, 'exit').catch((error: unknown) => [error])
    if (child.pid !== undefined) groups.push(child.pid)
  }
  watch()
  const up = () =>
    Promise.race([isUp(ask), ended.then(() => Promise.reject(new Error(`dockerd ended: ${said}`)))])

  const ask = async <T>(path: string, method = 'GET') => askEngine<T>(socketPath, path, method)
  // The engine leaves the interfaces of its networks to its successor.
  const bridges = new Set<string>()
  const rememberBridges = async () => {
    const networks = await ask<{ Id: string; Driver: string }[]>('/networks').catch(() => [])
    for (const { Id, Driver } of networks) {
      if (Driver === 'bridge') bridges.add(`br-${Id.slice(0, 12)}`)
    }
  }
  const close = async () => {
    await rememberBridges()
    child.kill('SIGTERM')
    const late = AbortSignal.timeout(20_000)
    await Promise.race([ended, once(late, 'abort')])
    // Whatever the engines before it left, too.
    for (const group of groups) killGroup(group)
    await ended
    for (const name of bridges) await run('ip', ['link', 'delete', name]).catch(() => {})
    await unmountBelow(folder)
    await removeGroups(cgroup)
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
  try {
    await up()
    return {
      host: `unix://${socketPath}`,
      socketPath,
      ask,
      async importImage(name, files, changes = []) {
        const query = new URLSearchParams({ fromSrc: '-', repo: name })
        for (const change of changes) query.append('changes', change)
        await askEngine(socketPath, `/images/create?${query.toString()}`, 'POST', files)
      },
      async kill() {
        await rememberBridges()
        child.kill('SIGKILL')
        await ended
      },
      async start() {
        // The next one would take whoever has these process ids now for its own.
        await rm(join(folder, 'dockerd.pid'), { force: true })
        await rm(join(folder, 'exec', 'containerd', 'containerd.pid'), { force: true })
        child = launch()
        watch()
        await up()
      },
      close,
    }
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

/** Files of an image in which every command of busybox is to be found, and nothing else. */
export async function busyboxFiles(
  more: Readonly<Record<string, string | Buffer>> = {},
): Promise<Readable> {
  const { stdout } = await run('busybox', ['--list'])
  const archive = pack()
  for (const name of ['bin', 'tmp', 'etc']) archive.entry({ name, type: 'directory', mode: 0o755 })
  archive.entry({ name: 'bin/busybox', mode: 0o755 }, await busybox())
  const isOwn = (name: string) => /\w/.test(name) && name !== 'busybox' && !(`bin/${name}` in more)
  for (const name of stdout.split('\n').filter(isOwn)) {
    archive.entry({ name: `bin/${name}`, type: 'symlink', linkname: 'busybox' })
  }
  for (const [name, content] of Object.entries(more)) archive.entry({ name, mode: 0o755 }, content)
  archive.finalize()
  return Readable.from(archive, { objectMode: false })
}

/** This machine's own shell as `/bin/sh`, with what it is linked to: it knows what cannot be written. */
export async function dashFiles(): Promise<Record<string, Buffer>> {
  const { stdout } = await run('ldd', ['/bin/dash'])
  const libraries = stdout.match(/\/[^ ]+/g) ?? []
  const files: Record<string, Buffer> = { 'bin/sh': await readFile('/bin/dash') }
  for (const path of libraries) files[path.slice(1)] = await readFile(path)
  return files
}

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

function askEngine<T>(
  socketPath: string,
  path: string,
  method: string,
  body?: Readable,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, method, agent: false }, (answer) => {
      let text = ''
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()))
      answer.on('error', reject)
      answer.on('end', () => {
        // Of several items, the last is what it came to.
        const last = text.trim().split('\n').at(-1) ?? ''
        if ((answer.statusCode ?? 500) >= 300 || last.startsWith('{"error')) reject(new Error(text))
        else resolve((last === '' ? null : JSON.parse(last)) as T)
      })
    })
    asked.on('error', reject)
    if (body === undefined) asked.end()
    else body.on('error', reject).pipe(asked)
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

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

/** A container of a step, with everything filled in. */
export interface PodSpec {
  command: readonly string[]
  env: Readonly<Record<string, string>>
  /** Directories of its own. */
  mounts: readonly string[]
  /** Files that are read when it has ended, by the name of the output. */
  outputs: Readonly<Record<string, string>>
}

export interface PodEnd {
  /** As a container's: 128 and more where a signal ended it. */
  exitCode: number
  outputs: Readonly<Record<string, string>>
  out: string
  err: string
}

/** Where containers run: as processes of this machine, which live on without the controller. */
export interface Pods {
  /** The one of that id, started where there is none. */
  run(id: string, spec: PodSpec): Promise<PodEnd>
  /** Those that run. */
  running(): { id: string; command: readonly string[] }[]
  kill(id: string, signal: NodeJS.Signals): void
  /** All that have ended, in the order of their ends. */
  readonly ended: { id: string; command: readonly string[]; end: PodEnd }[]
  close(): Promise<void>
}

const cli = fileURLToPath(new URL('../../../packages/cli/bin/slipway.js', import.meta.url))
const signalNumbers: Readonly<Record<string, number>> = { SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }

/** `slipway` in them is the built command line. */
export async function openPods(): Promise<Pods> {
  const root = await mkdtemp(join(tmpdir(), 'slipway-pods-'))
  const bin = join(root, 'bin')
  await mkdir(bin)
  await symlink(cli, join(bin, 'slipway'))
  const pods = new Map<
    string,
    { spec: PodSpec; child: ChildProcess | null; end: Promise<PodEnd> }
  >()
  const ended: Pods['ended'] = []

  const launch = async (id: string, spec: PodSpec): Promise<PodEnd> => {
    const directory = await mkdtemp(join(root, 'pod-'))
    const local = (path: string) =>
      spec.mounts.some((mount) => path === mount || path.startsWith(`${mount}/`))
        ? join(directory, path)
        : path
    for (const mount of spec.mounts) await mkdir(join(directory, mount), { recursive: true })
    const [program = '', ...args] = spec.command.map(local)
    const env = Object.entries(spec.env).map(([name, value]) => [name, local(value)])
    const child = spawn(program, args, {
      cwd: directory,
      env: { PATH: `${bin}:${process.env.PATH}`, ...Object.fromEntries(env) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const pod = pods.get(id)
    if (pod !== undefined) pod.child = child
    const [out, err, [code, signal]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null, string | null]>,
    ])
    const outputs: Record<string, string> = {}
    for (const [name, path] of Object.entries(spec.outputs)) {
      const content = await readFile(local(path), 'utf8').catch(() => null)
      if (content !== null) outputs[name] = content
    }
    const exitCode = code ?? 128 + (signalNumbers[signal ?? ''] ?? 0)
    const end = { exitCode, outputs, out, err }
    ended.push({ id, command: spec.command, end })
    if (pod !== undefined) pod.child = null
    return end
  }

  return {
    ended,
    run(id, spec) {
      const known = pods.get(id)
      if (known !== undefined) return known.end
      const pod = { spec, child: null, end: Promise.resolve(null as unknown as PodEnd) }
      pods.set(id, pod)
      pod.end = launch(id, spec)
      return pod.end
    },
    running: () =>
      [...pods]
        .filter(([, { child }]) => child !== null)
        .map(([id, { spec }]) => ({ id, command: spec.command })),
    kill: (id, signal) => void pods.get(id)?.child?.kill(signal),
    async close() {
      for (const { child } of pods.values()) child?.kill('SIGKILL')
      await Promise.allSettled([...pods.values()].map(({ end }) => end))
      await rm(root, { recursive: true, force: true })
    },
  }
}

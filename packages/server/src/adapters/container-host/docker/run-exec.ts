import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../../../errors.ts'
import { type Docker, inspectContainer, postJson, readFrames } from '../../../docker/index.ts'
import type { ContainerCommand, ContainerOutput } from '../../../ports/container-host.ts'

/**
 * Says its process id on a line of its own, then becomes the command: by that id it can be ended. The
 * engine makes each command the leader of a group.
 */
const startScript = 'echo "$$" && exec "$@" </dev/null 2>&1'
/** Ends a group with SIGTERM, and five seconds later with SIGKILL. */
const endScript = `exec 2>/dev/null
kill -TERM "-$1" || exit 0
i=0
while [ $i -lt 50 ]; do sleep 0.1; kill -0 "-$1" || exit 0; i=$((i+1)); done
kill -KILL "-$1"`
/** What shells keep of an environment that they pass on. */
const shellName = /^[A-Za-z_][A-Za-z0-9_]*$/
/** Variable by which a command is found that no shell may start, and all that it starts. */
const markName = 'SLIPWAY_COMMAND'
/** The same for the processes with a mark; each is looked for anew, since they start others. */
const endMarkedScript = `exec 2>/dev/null
each() {
  found=1
  for d in /proc/[0-9]*; do
    while IFS= read -r l || [ -n "$l" ]; do
      case $l in *"$2"*) kill "-$1" "\${d#/proc/}" && found=0; break;; esac
    done < "$d/environ"
    l=
  done
  return $found
}
each TERM "$1" || exit 0
i=0
while [ $i -lt 50 ]; do sleep 0.1; each 0 "$1" || exit 0; i=$((i+1)); done
each KILL "$1"`
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const newline = 10
/** Milliseconds within which a command says its process id, and within which it can be ended. */
const pidMs = 5_000
const endMs = 15_000
const lookMs = 20
const answerMs = 120_000

interface InspectedExec {
  Running: boolean
  ExitCode: number | null
}

/**
 * Runs a command in a running container. What it leaves in the background is not waited for. A shell starts
 * it, for stdout and stderr to be one stream; but shells drop variables whose names they could not set, so
 * with one of these it is started as it is.
 */
export async function runExec(
  docker: Docker,
  input: { id: string; command: ContainerCommand; sink: ContainerOutput },
  signal: AbortSignal,
): Promise<{ exitCode: number }> {
  const { id, command, sink } = input
  signal.throwIfAborted()
  const env = await withPath(docker, id, command, signal)
  const isPlain = Object.keys(env).every((name) => shellName.test(name))
  const mark = randomUUID()
  const started = isPlain
    ? { argv: ['sh', '-c', startScript, 'sh', ...command.argv] as const, env }
    : { argv: command.argv, env: { ...env, [markName]: mark } }
  const exec = await createExec(docker, id, { ...command, ...started }, signal)
  let foundPid: ((pid: string) => void) | null = null
  const pid = new Promise<string>((resolve) => (foundPid = resolve))
  if (!isPlain) foundPid = null
  // The connection outlives `signal`: the command is ended first.
  const connection = new AbortController()
  const end = () =>
    void endCommand(docker, { id, user: command.user, by: isPlain ? { pid } : { mark } })
      .catch(() => {})
      .finally(() => connection.abort(new Error('The command was ended')))
  signal.addEventListener('abort', end, { once: true })
  let isOver = false
  try {
    await passOutput(docker, { exec, sink, foundPid }, connection.signal)
    const exitCode = await readExitCode(docker, exec, connection.signal)
    isOver = true
    signal.throwIfAborted()
    return { exitCode }
  } catch (error) {
    signal.throwIfAborted()
    if (!isOver) end()
    throw error
  } finally {
    signal.removeEventListener('abort', end)
  }
}

async function passOutput(
  docker: Docker,
  input: {
    exec: string
    sink: ContainerOutput
    /** Told of the first line, which is not output; null: all of it is. */
    foundPid: ((pid: string) => void) | null
  },
  signal: AbortSignal,
): Promise<void> {
  const stream = await docker.upgrade(
    {
      method: 'POST',
      path: `/exec/${input.exec}/start`,
      protocol: 'tcp',
      headers: { 'content-type': 'application/json', 'content-length': '2' },
      body: Readable.from([Buffer.from('{}')], { objectMode: false }),
      answerMs,
    },
    signal,
  )
  const stop = () => void stream.destroy(new Error('stopped'))
  signal.addEventListener('abort', stop, { once: true })
  const { foundPid } = input
  let head: Buffer | null = foundPid === null ? null : Buffer.alloc(0)
  const afterPid = (bytes: Buffer): Buffer => {
    if (head === null) return bytes
    head = Buffer.concat([head, bytes])
    const at = head.indexOf(newline)
    if (at < 0) return Buffer.alloc(0)
    const first = head.subarray(0, at).toString().trim()
    // The engine's own words where there is no such shell.
    if (!/^\d+$/.test(first)) throw cannotRun(first)
    foundPid?.(first)
    const rest = head.subarray(at + 1)
    head = null
    return rest
  }
  try {
    for await (const frames of readOutput(stream)) {
      const chunk = afterPid(frames.length === 1 ? (frames[0] as Buffer) : Buffer.concat(frames))
      if (chunk.length > 0) await input.sink.write(chunk)
    }
    if (head !== null) throw cannotRun(head.toString().trim())
  } finally {
    signal.removeEventListener('abort', stop)
    stream.destroy()
  }
}

/** A connection that breaks is the engine's. */
async function* readOutput(stream: Readable): AsyncGenerator<Buffer[]> {
  const frames = readFrames(stream)
  for (;;) {
    const next = await frames.next().catch(() => {
      throw new AppError('unavailable', 'The engine broke off while a command ran')
    })
    if (next.done === true) return
    yield next.value
  }
}

function cannotRun(words: string): AppError {
  return new AppError('invalid_request', `No command can be run in the container: ${words}`)
}

async function withPath(
  docker: Docker,
  id: string,
  { env, prependPath = [] }: ContainerCommand,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  if (prependPath.length === 0) return env
  const own = env['PATH'] ?? (await pathOf(docker, id, signal))
  return { ...env, PATH: [...prependPath, own].join(':') }
}

async function pathOf(docker: Docker, id: string, signal: AbortSignal): Promise<string> {
  const { Config } = await inspectContainer(docker, id, signal)
  const found = Config.Env?.find((entry) => entry.startsWith('PATH='))
  return found?.slice('PATH='.length) ?? defaultPath
}

async function createExec(
  docker: Docker,
  id: string,
  { argv, env, workdir, user }: ContainerCommand,
  signal: AbortSignal,
): Promise<string> {
  const body = {
    Cmd: argv,
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    ...(workdir === null ? {} : { WorkingDir: workdir }),
    ...(user === null ? {} : { User: user }),
    AttachStdin: false,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    Privileged: false,
  }
  const path = `/containers/${encodeURIComponent(id)}/exec`
  return (await postJson<{ Id: string }>(docker, path, body, signal)).Id
}

/** The output may end a moment before the engine knows the end. */
async function readExitCode(docker: Docker, exec: string, signal: AbortSignal): Promise<number> {
  const until = performance.now() + endMs
  for (;;) {
    const path = `/exec/${exec}/json`
    const { Running, ExitCode } = await docker.json<InspectedExec>({ method: 'GET', path }, signal)
    if (!Running && ExitCode !== null) return ExitCode
    if (performance.now() > until) {
      throw new AppError('unavailable', 'The engine does not say how a command ended')
    }
    await sleep(lookMs, undefined, { signal })
  }
}

async function endCommand(
  docker: Docker,
  input: { id: string; user: string | null; by: { pid: Promise<string> } | { mark: string } },
): Promise<void> {
  const late = AbortSignal.timeout(pidMs + endMs)
  const { by } = input
  const which =
    'mark' in by ? `${markName}=${by.mark}` : await Promise.race([by.pid, sleep(pidMs, null)])
  if (which === null) return
  const script = 'mark' in by ? endMarkedScript : endScript
  const argv = ['sh', '-c', script, 'sh', which] as const
  const exec = await createExec(
    docker,
    input.id,
    { argv, env: {}, workdir: null, user: input.user },
    late,
  )
  const path = `/exec/${exec}/start`
  await postJson(docker, path, { Detach: true, Tty: false }, late)
  await readExitCode(docker, exec, late)
}

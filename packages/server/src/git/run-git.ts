import { spawn } from 'node:child_process'
import { readFetchProgress } from './fetch-progress.ts'
import { GitError } from './git-error.ts'

export interface RunGitOptions {
  cwd: string
  signal: AbortSignal
  /** Milliseconds; then git is killed. Default 120,000. */
  timeoutMs?: number
  /** Written to standard input, which is then closed. */
  input?: string | Buffer
  /** Bytes of standard output kept; more is a failure. Default 64 MiB. */
  maxOutput?: number
  /** Protocols git may use, e.g. `https`. Default: none, for commands that stay on this machine. */
  protocols?: string
  /** Told whole percent of a fetch with `--progress`, which is left out of the answer's `stderr`. */
  progress?: (percent: number) => void
  /** Besides, or instead of, what git is given anyway: how it reaches a remote. */
  env?: Readonly<Record<string, string>>
}

export interface GitResult {
  code: number
  stdout: Buffer
  /** At most the last 64 KiB. */
  stderr: string
}

/** Milliseconds from SIGTERM to SIGKILL. */
const killMs = 3_000
/** Milliseconds that output may stay open after git has ended. */
const lingerMs = 2_000

/**
 * Runs git with nothing of the machine's configuration and no way to ask a question.
 * Answers git's exit code as a value; rejects with a GitError when it could not be
 * started, was aborted, took too long or said too much.
 */
export function runGit(args: readonly string[], options: RunGitOptions): Promise<GitResult> {
  const { promise, resolve, reject } = withResolvers<GitResult>()
  const maxOutput = options.maxOutput ?? 64 * 1024 * 1024
  // Its own process group: helpers such as git-remote-https must end with it.
  const child = spawn('git', args, {
    cwd: options.cwd,
    env: { ...gitEnvironment(options.protocols ?? ''), ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
  const timers = new Set<NodeJS.Timeout>()
  const after = (ms: number, action: () => void) => void timers.add(setTimeout(action, ms))
  const kill = (name: NodeJS.Signals) => {
    if (child.pid === undefined) return
    try {
      process.kill(-child.pid, name)
    } catch {
      // It has ended by itself.
    }
  }
  let failure: GitError | undefined
  const fail = (message: string, permanent: boolean) => {
    if (failure !== undefined) return
    failure = new GitError(message, permanent)
    // Asked first: git then takes its lock files away.
    kill('SIGTERM')
    after(killMs, () => kill('SIGKILL'))
  }
  const onAbort = () => fail('git was stopped', false)
  if (options.signal.aborted) onAbort()
  options.signal.addEventListener('abort', onAbort, { once: true })
  const timeoutMs = options.timeoutMs ?? 120_000
  after(timeoutMs, () => fail(`git ${args[0] ?? ''} took longer than ${timeoutMs / 1000} s`, false))

  const stdout: Buffer[] = []
  let size = 0
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > maxOutput) fail(`git ${args[0] ?? ''} said more than ${maxOutput} bytes`, true)
    else stdout.push(chunk)
  })
  const reader = options.progress === undefined ? null : readFetchProgress(options.progress)
  const keep = (text: string) => void (stderr = (stderr + text).slice(-65_536))
  child.stderr.on('data', (chunk: Buffer) => {
    const text = chunk.toString('utf8')
    keep(reader === null ? text : reader.push(text))
  })
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input)
  const settle = () => {
    for (const timer of timers) clearTimeout(timer)
    options.signal.removeEventListener('abort', onAbort)
  }
  child.on('error', (error) => {
    settle()
    reject(failure ?? new GitError(`git can't be started: ${error.message}`, false))
  })
  child.on('exit', () => {
    // A helper that git left behind may hold its output for ever.
    after(lingerMs, () => {
      kill('SIGKILL')
      child.stdout.destroy()
      child.stderr.destroy()
    })
  })
  child.on('close', (code) => {
    settle()
    if (reader !== null) keep(reader.end())
    if (failure !== undefined) reject(failure)
    else resolve({ code: code ?? 128, stdout: Buffer.concat(stdout), stderr })
  })
  return promise
}

export function gitEnvironment(protocols: string): NodeJS.ProcessEnv {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/nonexistent',
    LANG: 'C.UTF-8',
    LC_ALL: 'C.UTF-8',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: protocols === '' ? 'none' : protocols,
    // Of the service user's own, only key and known_hosts: ssh finds them without HOME.
    GIT_SSH_COMMAND:
      'ssh -F /dev/null -o IdentityAgent=none -o BatchMode=yes -o ControlMaster=no -o ControlPath=none -o StrictHostKeyChecking=yes',
    // A partial commit name must be an error here, not a page of advice.
    GIT_ADVICE: '0',
  }
}

function withResolvers<T>() {
  let resolve!: (value: T) => void
  let reject!: (reason: Error) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

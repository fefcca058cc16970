import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

export interface CliResult {
  code: number
  out: string
  err: string
}

export interface CliOptions {
  cwd?: string
  /** Besides PATH and a home directory that is empty. */
  env?: Record<string, string>
  /** Standard input; default: none. */
  input?: string
  /** Called once it runs; may signal the command. */
  onStart?: (signal: (name: NodeJS.Signals) => void) => void
  /** Called with everything printed so far, whenever more is; may signal the command, or read no more. */
  onOutput?: (out: string, signal: (name: NodeJS.Signals) => void, stopReading: () => void) => void
  /** The same of what it says beside its output. */
  onError?: (err: string, signal: (name: NodeJS.Signals) => void) => void
}

const bin = fileURLToPath(new URL('../../packages/cli/bin/slipway.js', import.meta.url))

/** Runs the built command as a user would, without a terminal. */
export async function runCli(
  args: readonly string[],
  options: CliOptions = {},
): Promise<CliResult> {
  const home = options.env?.HOME ?? (await temporaryDirectory())
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: options.cwd ?? home,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: home,
      GIT_CONFIG_NOSYSTEM: '1',
      ...options.env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  options.onStart?.((name) => child.kill(name))
  // One that reads nothing closes it.
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input ?? '')
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
    options.onOutput?.(
      out,
      (name) => child.kill(name),
      () => child.stdout.destroy(),
    )
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
    options.onError?.(said, (name) => child.kill(name))
  })
  const [err, [code, signal]] = await Promise.all([
    text(child.stderr),
    once(child, 'close') as Promise<[number | null, string | null]>,
  ])
  if (code === null) throw new Error(`slipway ended by ${signal}: ${err}`)
  return { code, out, err }
}

/** Gone after the test. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'slipway-cli-')))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

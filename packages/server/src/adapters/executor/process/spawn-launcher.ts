import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process'
import type { Duplex, Readable, Writable } from 'node:stream'
import { AppError } from '../../../errors.ts'
import type { Launch } from './isolation.ts'
import { gateDescriptor, inputDescriptor, statusDescriptor } from './isolation.ts'
import { closeDescriptor, type OutputPipe } from './output-pipes.ts'

/** A launcher on its way. */
export interface Launcher {
  child: ChildProcess
  pid: number
  /** What the launcher says about itself, and what lets it go on; null for one without. */
  channel: { status: Readable; gate: Writable } | null
}

/** What a child must not inherit: `descriptor` is one of /dev/null, which covers those `leaked`. */
export interface DescriptorCover {
  descriptor: number
  leaked: readonly number[]
}

/**
 * Spawns a launcher as the leader of a session. The writer of `pipe` is the child's from then on;
 * when this throws, the whole pipe is still the caller's.
 */
export async function spawnLauncher(
  cover: DescriptorCover,
  launch: Launch,
  pipe: OutputPipe,
): Promise<Launcher> {
  const stdio: ('ignore' | 'pipe' | number)[] = ['ignore', pipe.writer, pipe.writer]
  for (const descriptor of cover.leaked) {
    while (stdio.length < descriptor) stdio.push('ignore')
    stdio[descriptor] = cover.descriptor
  }
  if (launch.input !== null) {
    for (const at of [inputDescriptor, statusDescriptor, gateDescriptor]) stdio[at] = 'pipe'
  }
  const { file, args, cwd, env } = launch
  const child = spawnDetached(file, args, { cwd, env, stdio })
  const { pid } = child
  if (pid === undefined) throw refused(await failureOf(child))

  // Nobody waits for this, lest the exit of a short command comes before its listeners.
  closeDescriptor(pipe.writer).catch(() => {})
  if (launch.input === null) return { child, pid, channel: null }
  const [input, status, gate] = [inputDescriptor, statusDescriptor, gateDescriptor].map(
    // What node calls a list of five is as long as `stdio`; a pipe is a socket, open both ways.
    (descriptor) => (child.stdio as readonly unknown[])[descriptor] as Duplex,
  )
  if (!input || !status || !gate) throw new Error('A launcher has no channel')
  // Either end may be closed by a launcher that has failed; its exit tells the rest.
  for (const stream of [input, status, gate]) stream.on('error', () => {})
  input.end(launch.input)
  return { child, pid, channel: { status, gate } }
}

function spawnDetached(
  file: string,
  args: readonly string[],
  options: Pick<SpawnOptions, 'cwd' | 'env' | 'stdio'>,
): ChildProcess {
  try {
    return spawn(file, args, { ...options, detached: true })
  } catch (error) {
    throw refused(error)
  }
}

function failureOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => child.once('error', resolve))
}

function refused(error: unknown): AppError {
  const message = error instanceof Error ? error.message : String(error)
  // The system's limit for arguments and environment is the caller's to keep.
  const code = message.includes('E2BIG') ? 'invalid_request' : 'unavailable'
  return new AppError(code, `The command could not be started: ${message}`)
}

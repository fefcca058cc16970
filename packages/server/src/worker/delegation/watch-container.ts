import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../../errors.ts'
import type { LogWriter } from '../../logs/index.ts'
import type { ContainerExit } from '../../ports/container-host.ts'
import type { DelegationAttempt, DelegationResult } from '../../runners/index.ts'
import type { DelegationWorkDeps } from './deps.ts'

/** Milliseconds that a container has to end when it is asked to. */
const graceMs = 10_000
/** Milliseconds between two looks at what it wrote to its disk, and between two tries to stop it. */
const measureMs = 15_000
const againMs = 5_000
const newline = 10

/**
 * Follows a running container to its end, within its limits of time, output and disk, and says how it
 * ended. Rejects with the reason of `signal`, and leaves the container alone then.
 */
export async function watchContainer(
  deps: Pick<DelegationWorkDeps, 'host' | 'log' | 'outputBytes'>,
  input: {
    attempt: DelegationAttempt
    id: string
    /** When it was started. */
    startedAt: Date
    /** Null: its output is not to be shown. */
    writer: LogWriter | null
    /** Told the time of the output that is written next, in milliseconds since 1970. */
    setClock: (at: number) => void
  },
  signal: AbortSignal,
): Promise<DelegationResult> {
  const { host } = deps
  const { attempt, id, startedAt } = input
  const over = new AbortController()
  const untilOver = AbortSignal.any([signal, over.signal])
  let cause: string | null = null
  const stop = (why: string) => {
    if (cause !== null) return
    cause = why
    void stopUntilEnded(deps, id, untilOver)
  }
  const leftMs = startedAt.getTime() + attempt.timeoutMs - Date.now()
  const timer = setTimeout(() => stop('timeout'), Math.max(0, leftMs))
  void watchDisk(deps, { id, limit: attempt.spec.limits.diskBytes, stop }, untilOver)
  const ended = host.wait(id, untilOver)
  const output = followOutput(deps, { ...input, stop }, untilOver)
  output.catch(() => {})
  try {
    const exit = await ended
    await output
    return judge(exit, cause)
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof AppError) || error.code !== 'resource_not_found') throw error
    return { status: 'failed', exitCode: null, reason: cause ?? 'lost' }
  } finally {
    clearTimeout(timer)
    over.abort(new Error('the container has ended'))
    await output.catch(() => {})
  }
}

/** The exit code decides, unless it was stopped from here. */
export function judge(exit: ContainerExit, cause: string | null): DelegationResult {
  const { exitCode, outOfMemory, interrupted } = exit
  if (cause !== null) return { status: 'failed', exitCode, reason: cause }
  // It may have ended well in reply to being ended.
  if (exit.reason !== null) return { status: 'failed', exitCode, reason: exit.reason }
  if (exitCode === 0) return { status: 'completed', exitCode, reason: null }
  const reason = outOfMemory
    ? 'out of memory'
    : interrupted
      ? 'the container engine was restarted'
      : null
  return { status: 'failed', exitCode, reason }
}

async function followOutput(
  deps: Pick<DelegationWorkDeps, 'host' | 'outputBytes'>,
  input: Parameters<typeof watchContainer>[1] & { stop: (why: string) => void },
  signal: AbortSignal,
): Promise<void> {
  const { host, outputBytes } = deps
  const { id, writer, setClock, stop } = input
  if (writer === null) return
  const full = new AbortController()
  let left = outputBytes
  let endsLine = true
  const write = (chunk: Buffer) => {
    endsLine = chunk.at(-1) === newline
    return writer.write(chunk)
  }
  try {
    await host.follow(
      id,
      null,
      {
        async write(chunk, at) {
          // What came together with the last of it is handed on all the same.
          if (left < 0) return
          if (at !== undefined) setClock(at.getTime())
          await write(left >= chunk.length ? chunk : chunk.subarray(0, left))
          left -= chunk.length
          if (left >= 0) return
          stop(`more output than ${describeBytes(outputBytes)}`)
          full.abort(new Error('the log is full'))
        },
        missed: () => writer.missed(),
      },
      AbortSignal.any([signal, full.signal]),
    )
  } catch (error) {
    if (!full.signal.aborted) throw error
  }
  // A note of ours begins a line of its own.
  if (!endsLine) await write(Buffer.of(newline))
}

async function stopUntilEnded(
  { host, log }: Pick<DelegationWorkDeps, 'host' | 'log'>,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await host.stop(id, graceMs)
      return
    } catch (error) {
      if (error instanceof AppError && error.code === 'resource_not_found') return
      log.warn({ err: error, container: id }, 'a container could not be stopped')
      await sleep(againMs, undefined, { signal }).catch(() => undefined)
    }
  }
}

/** For engines that cannot limit what a container writes: it is looked at every so often. */
async function watchDisk(
  { host }: Pick<DelegationWorkDeps, 'host'>,
  input: { id: string; limit: number | null; stop: (why: string) => void },
  signal: AbortSignal,
): Promise<void> {
  const { id, limit, stop } = input
  if (limit === null) return
  while (!signal.aborted) {
    // What fails here fails elsewhere, where it is told.
    const bytes = await host.measure(id, signal).catch(() => 0)
    if (bytes > limit) return stop(`more than ${describeBytes(limit)} written to its disk`)
    await sleep(measureMs, undefined, { signal }).catch(() => undefined)
  }
}

function describeBytes(bytes: number): string {
  const mebibytes = bytes / 1024 / 1024
  return mebibytes >= 1 ? `${Math.round(mebibytes)} MiB` : `${bytes} bytes`
}

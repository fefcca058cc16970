import { constants } from 'node:os'
import type { Logger } from 'pino'
import type { ExecutionResult } from '../../ports/executor.ts'
import type { CheckedSpec } from './check-spec.ts'

export type Cause = 'stopped' | 'timed_out' | 'output_limit' | 'failed'

/** Milliseconds that a command has to end when it is asked to, where nobody says otherwise. */
export const defaultGraceMs = 5_000
/** Nobody hears what a command says once it has said too much: it gets less time to end. */
const outputGraceMs = 1_000
/** The longest that a timer of node can wait, 24.8 days. */
const longestTimerMs = 2_147_483_647

/** How a command is ended by us, from its start to its end, and why: by the first that wants it. */
export interface Ending {
  /** Null: nobody wanted it. */
  readonly cause: { outcome: Cause; reason: string } | null
  stop(graceMs?: number): void
  /** What whoever hands its output on is told. */
  readonly output: {
    readonly limit: number
    onLimit(): void
    onSinkError(error: unknown): void
  }
  /** A timer that goes with the execution; undefined: none is that long. */
  after(ms: number, act: () => void): NodeJS.Timeout | undefined
  /** It has ended: nothing is left to be asked of it. */
  hasEnded(): void
  /** The execution is over: no timer of it is left. */
  close(): void
}

/**
 * Begins the time of a command. `ask` has it end within `graceMs`: once, and again each time that somebody gives
 * it less.
 */
export function createEnding(
  log: Logger,
  spec: CheckedSpec,
  ask: (graceMs: number, isFirst: boolean) => void,
): Ending {
  const { limits } = spec
  const timers = new Set<NodeJS.Timeout>()
  let cause: Ending['cause'] = null
  let graceEnd = Infinity
  let isOver = false

  const after: Ending['after'] = (ms, act) => {
    if (ms > longestTimerMs) return undefined
    const timer = setTimeout(act, ms)
    timers.add(timer)
    return timer
  }
  const end = (outcome: Cause, reason: string, graceMs: number): void => {
    // Output that nobody could take is told even when it is found after the command's end.
    if (isOver && outcome !== 'output_limit' && outcome !== 'failed') return
    cause ??= { outcome, reason }
    const at = performance.now() + graceMs
    if (isOver || at >= graceEnd) return
    const isFirst = graceEnd === Infinity
    graceEnd = at
    ask(graceMs, isFirst)
  }
  after(limits.timeoutMs, () =>
    end('timed_out', `Took longer than ${limits.timeoutMs / 1000} s.`, defaultGraceMs),
  )
  return {
    get cause() {
      return cause
    },
    stop: (graceMs = defaultGraceMs) => end('stopped', 'Stopped on request.', graceMs),
    output: {
      limit: limits.outputBytes,
      onLimit: () =>
        end('output_limit', `Printed more than ${limits.outputBytes} bytes.`, outputGraceMs),
      onSinkError(error) {
        log.error(
          { err: error, execution: spec.id },
          'the output of an execution could not be kept',
        )
        end('failed', 'The output could not be kept.', outputGraceMs)
      },
    },
    after,
    hasEnded: () => void (isOver = true),
    close() {
      isOver = true
      for (const timer of timers) clearTimeout(timer)
    },
  }
}

export function failure(reason: string): ExecutionResult {
  return { outcome: 'failed', exitCode: null, reason }
}

/** What `finish` comes to; whatever it throws is a failure of the executor's. */
export async function resultOf(
  log: Logger,
  spec: CheckedSpec,
  finish: () => Promise<ExecutionResult>,
): Promise<ExecutionResult> {
  try {
    return await finish()
  } catch (error) {
    log.error({ err: error, execution: spec.id }, 'the end of an execution could not be told')
    return failure('The executor failed.')
  }
}

/** How a command ended that nobody ended. `outOfMemory` says why; null: it was not for that. */
export function judgeExit(exitCode: number, outOfMemory: string | null): ExecutionResult {
  if (exitCode !== 0 && outOfMemory !== null) {
    return { outcome: 'out_of_memory', exitCode, reason: outOfMemory }
  }
  const name = signalOf(exitCode)
  if (name === null) return { outcome: 'exited', exitCode, reason: null }
  return { outcome: 'signalled', exitCode, reason: `Ended by ${name}.` }
}

/** That it needed more than its limit, in one sentence. */
export function describeMemory(memoryBytes: number): string {
  return `Needed more than ${Math.round(memoryBytes / 1024 / 1024)} MiB.`
}

/** The signal that an exit code of 128 + n speaks of, as shells say it; null for any other code. */
function signalOf(exitCode: number): string | null {
  const number = exitCode - 128
  if (number < 1 || number > 64) return null
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? null
}

import { constants } from 'node:os'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import {
  type Docker,
  type InspectedContainer,
  kill,
  postJson,
  waitForEnd,
} from '../../../docker/index.ts'
import type { Execution, ExecutionResult, OutputSink } from '../../../ports/executor.ts'
import type { CheckedSpec } from '../check-spec.ts'
import { pumpFrames } from './pump-frames.ts'

type Cause = 'stopped' | 'timed_out' | 'output_limit' | 'failed'

const defaultGraceMs = 5_000
/** Nobody hears what a command says once it has said too much: it gets less time to end. */
const outputGraceMs = 1_000
/** The longest that a timer of node can wait, 24.8 days. */
const longestTimerMs = 2_147_483_647
/** Milliseconds for each request by which a container is ended. */
const endMs = 30_000

/** Follows a container that has just been started to its end. Removing it is the caller's. */
export function runExecution(
  { docker, log }: { docker: Docker; log: Logger },
  input: { spec: CheckedSpec; id: string; attached: Duplex; sink: OutputSink },
): Execution {
  const { spec, id, attached, sink } = input
  const { limits } = spec
  const over = new AbortController()
  const timers = new Set<NodeJS.Timeout>()
  let cause: Cause | null = null
  let reason: string | null = null
  let graceEnd = Infinity
  let hasEnded = false

  const after = (ms: number, act: () => void) => {
    if (ms <= longestTimerMs) timers.add(setTimeout(act, ms))
  }
  const failed = (error: unknown) => {
    if (!hasEnded) log.warn({ err: error, execution: spec.id }, 'an execution could not be ended')
  }
  const within = () => AbortSignal.any([AbortSignal.timeout(endMs), over.signal])
  const end = (why: Cause, sentence: string, graceMs: number): void => {
    // Output that nobody could take is told even when it is found after the command's end.
    if (hasEnded && why !== 'output_limit' && why !== 'failed') return
    if (cause === null) {
      cause = why
      reason = sentence
      if (!hasEnded) terminate(docker, id, within()).catch(failed)
    }
    const at = performance.now() + graceMs
    if (hasEnded || at >= graceEnd) return
    graceEnd = at
    after(graceMs, () => void kill(docker, id, 'KILL', within()).catch(failed))
  }

  const pumped = pumpFrames(attached, sink, {
    limit: limits.outputBytes,
    onLimit: () =>
      end('output_limit', `Printed more than ${limits.outputBytes} bytes.`, outputGraceMs),
    onSinkError: (error) => {
      log.error({ err: error, execution: spec.id }, 'the output of an execution could not be kept')
      end('failed', 'The output could not be kept.', outputGraceMs)
    },
  })
  after(limits.timeoutMs, () =>
    end('timed_out', `Took longer than ${limits.timeoutMs / 1000} s.`, defaultGraceMs),
  )
  const finish = async (): Promise<ExecutionResult> => {
    const { container, interrupted } = await waitForEnd(docker, id, over.signal)
    hasEnded = true
    const isWhole = await pumped
    if (cause === null && (interrupted || !isWhole)) {
      return failure('The Docker engine went away while it ran.')
    }
    return judge(container, { cause, reason, memoryBytes: limits.memoryBytes })
  }
  const done = finish()
    .catch((error: unknown) => {
      log.error({ err: error, execution: spec.id }, 'the end of an execution could not be told')
      return failure('The executor failed.')
    })
    .finally(() => {
      hasEnded = true
      for (const timer of timers) clearTimeout(timer)
      over.abort(new Error('the execution has ended'))
      attached.destroy()
    })
  return {
    id: spec.id,
    done,
    stop: (graceMs = defaultGraceMs) => end('stopped', 'Stopped on request.', graceMs),
  }
}

function failure(reason: string): ExecutionResult {
  return { outcome: 'failed', exitCode: null, reason }
}

function judge(
  { State }: InspectedContainer,
  known: { cause: Cause | null; reason: string | null; memoryBytes: number | null },
): ExecutionResult {
  const { ExitCode: exitCode, OOMKilled } = State
  const { cause, reason, memoryBytes } = known
  if (cause !== null) return { outcome: cause, exitCode, reason }
  if (exitCode !== 0 && OOMKilled && memoryBytes !== null) {
    const mebibytes = Math.round(memoryBytes / 1024 / 1024)
    return { outcome: 'out_of_memory', exitCode, reason: `Needed more than ${mebibytes} MiB.` }
  }
  const name = signalOf(exitCode)
  if (name === null) return { outcome: 'exited', exitCode, reason: null }
  return { outcome: 'signalled', exitCode, reason: `Ended by ${name}.` }
}

/** The signal that an exit code of 128 + n speaks of, as shells say it; null for any other code. */
function signalOf(exitCode: number): string | null {
  const number = exitCode - 128
  if (number < 1 || number > 64) return null
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? null
}

/** SIGTERM for everybody in the container; where no further process can be had, for its command alone. */
async function terminate(docker: Docker, id: string, signal: AbortSignal): Promise<void> {
  try {
    const path = `/containers/${encodeURIComponent(id)}/exec`
    const body = { Cmd: ['/bin/sh', '-c', 'kill -TERM -1'] }
    const { Id } = await postJson<{ Id: string }>(docker, path, body, signal)
    await postJson(docker, `/exec/${Id}/start`, { Detach: true, Tty: false }, signal)
  } catch {
    await kill(docker, id, 'TERM', signal)
  }
}

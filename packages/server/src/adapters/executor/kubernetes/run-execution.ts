import { constants } from 'node:os'
import type { Logger } from 'pino'
import {
  endPod,
  type JobTracker,
  type Kubernetes,
  type Pod,
  type PodState,
  readPod,
  settleLater,
} from '../../../kubernetes/index.ts'
import type { Execution, ExecutionResult, OutputSink } from '../../../ports/executor.ts'
import type { CheckedSpec } from '../check-spec.ts'
import { defaultGraceSeconds } from './describe-job.ts'
import type { FlowFile } from './flow-file.ts'
import { followOutput } from './follow-output.ts'

type Cause = 'stopped' | 'timed_out' | 'output_limit' | 'failed'
type Ended = Extract<PodState, { kind: 'ended' }> & {
  /** Nobody has said so. */
  isGuess?: true
}

const defaultGraceMs = defaultGraceSeconds * 1_000
/** Nobody hears what a command says once it has said too much: it gets less time to end. */
const outputGraceMs = 1_000
/** The longest that a timer of node can wait, 24.8 days. */
const longestTimerMs = 2_147_483_647
/** Milliseconds that a cluster has beyond a grace to say that a pod has ended. */
const confirmMs = 60_000

/** Follows a pod that has just been started to its end. Removing its job is the caller's. */
export function runExecution(
  deps: { kubernetes: Kubernetes; tracker: JobTracker; log: Logger },
  input: { spec: CheckedSpec; name: string; pod: Pod; sink: OutputSink; flow: FlowFile },
): Execution {
  const { kubernetes, tracker, log } = deps
  const { spec, name, sink, flow } = input
  const { limits } = spec
  const podName = input.pod.metadata.name
  const over = new AbortController()
  const ended = new AbortController()
  const timers = new Set<NodeJS.Timeout>()
  const last = settleLater<Ended>()
  let cause: Cause | null = null
  let reason: string | null = null
  let graceEnd = Infinity
  let confirming: NodeJS.Timeout | undefined

  const after = (ms: number, act: () => void): NodeJS.Timeout | undefined => {
    if (ms > longestTimerMs) return undefined
    const timer = setTimeout(act, ms)
    timers.add(timer)
    return timer
  }
  /** A pod that is to end, by us or by others, and of which nothing is heard, may be on a node that is lost. */
  const confirmWithin = (ms: number): void => {
    clearTimeout(confirming)
    confirming = after(ms, () =>
      last.resolve({
        kind: 'ended',
        exitCode: null,
        outOfMemory: false,
        interrupted: `The cluster does not say that it has ended: ${nodeOf(input.pod)} may be lost, and it may still run there.`,
        isLate: false,
        neverRan: false,
        isGuess: true,
      }),
    )
  }
  const end = (why: Cause, sentence: string, graceMs: number): void => {
    const hasEnded = ended.signal.aborted
    // Output that nobody could take is told even when it is found after the command's end.
    if (hasEnded && why !== 'output_limit' && why !== 'failed') return
    if (cause === null) {
      cause = why
      reason = sentence
    }
    const at = performance.now() + graceMs
    if (hasEnded || at >= graceEnd) return
    graceEnd = at
    const grace = graceMs === defaultGraceMs ? null : Math.ceil(graceMs / 1_000)
    endPod(kubernetes, podName, grace, over.signal).catch((error: unknown) => {
      if (!over.signal.aborted) {
        log.warn({ err: error, execution: spec.id }, 'a pod could not be ended')
      }
    })
    confirmWithin(graceMs + confirmMs)
  }
  const look = (pod: Pod, isGone: boolean): void => {
    if (pod.metadata.name !== podName) return
    const state = readPod(pod, isGone)
    if (state.kind === 'ended') last.resolve(state)
    else if (pod.metadata.deletionTimestamp !== undefined && confirming === undefined) {
      const grace = pod.metadata.deletionGracePeriodSeconds ?? defaultGraceSeconds
      confirmWithin(grace * 1_000 + confirmMs)
    }
  }
  void last.promise.then(() => ended.abort())
  const stopWatching = tracker.watch({ name }, { pod: look, job() {} })
  look(input.pod, false)

  const followed = followOutput(
    { kubernetes, log, flow },
    {
      pod: podName,
      sink,
      ended: ended.signal,
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
    over.signal,
  )
  followed.catch(() => {})
  after(limits.timeoutMs, () =>
    end('timed_out', `Took longer than ${limits.timeoutMs / 1000} s.`, defaultGraceMs),
  )
  const finish = async (): Promise<ExecutionResult> => {
    const state = await last.promise
    const isWhole = await followed
    const { exitCode, interrupted } = state
    if (cause !== null) {
      if (state.isGuess && interrupted !== null) return failure(interrupted)
      return { outcome: cause, exitCode, reason }
    }
    if (state.isLate) return { outcome: 'timed_out', exitCode, reason: 'Took too long.' }
    if (interrupted !== null) return failure(interrupted)
    if (exitCode === null) return failure('The cluster does not say how it ended.')
    if (!isWhole) return failure('The end of its output could not be read: its log is gone.')
    return judge(exitCode, state.outOfMemory, limits.memoryBytes)
  }
  const done = finish()
    .catch((error: unknown) => {
      log.error({ err: error, execution: spec.id }, 'the end of an execution could not be told')
      return failure('The executor failed.')
    })
    .finally(() => {
      stopWatching()
      ended.abort()
      for (const timer of timers) clearTimeout(timer)
      over.abort(new Error('the execution has ended'))
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
  exitCode: number,
  outOfMemory: boolean,
  memoryBytes: number | null,
): ExecutionResult {
  if (exitCode !== 0 && outOfMemory) {
    const reason =
      memoryBytes === null
        ? 'Its node ran out of memory.'
        : `Needed more than ${Math.round(memoryBytes / 1024 / 1024)} MiB.`
    return { outcome: 'out_of_memory', exitCode, reason }
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

function nodeOf({ spec }: Pod): string {
  return spec?.nodeName === undefined ? 'its node' : `node ${spec.nodeName}`
}

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
import {
  createEnding,
  defaultGraceMs,
  describeMemory,
  failure,
  judgeExit,
  resultOf,
} from '../end-execution.ts'
import { defaultGraceSeconds } from './describe-job.ts'
import type { FlowFile } from './flow-file.ts'
import { followOutput } from './follow-output.ts'

type Ended = Extract<PodState, { kind: 'ended' }> & {
  /** Nobody has said so. */
  isGuess?: true
}

/** Milliseconds that a cluster has beyond a grace to say that a pod has ended. */
const confirmMs = 60_000

/** Follows a pod that has just been started to its end. Removing its job is the caller's. */
export function runExecution(
  deps: { kubernetes: Kubernetes; tracker: JobTracker; log: Logger },
  input: { spec: CheckedSpec; name: string; pod: Pod; sink: OutputSink; flow: FlowFile },
): Execution {
  const { kubernetes, tracker, log } = deps
  const { spec, name, sink, flow } = input
  const podName = input.pod.metadata.name
  const over = new AbortController()
  const ended = new AbortController()
  const last = settleLater<Ended>()
  let confirming: NodeJS.Timeout | undefined

  /** A pod that is to end, by us or by others, and of which nothing is heard, may be on a node that is lost. */
  const confirmWithin = (ms: number): void => {
    clearTimeout(confirming)
    confirming = ending.after(ms, () =>
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
  const ending = createEnding(log, spec, (graceMs) => {
    const grace = graceMs === defaultGraceMs ? null : Math.ceil(graceMs / 1_000)
    endPod(kubernetes, podName, grace, over.signal).catch((error: unknown) => {
      if (!over.signal.aborted) {
        log.warn({ err: error, execution: spec.id }, 'a pod could not be ended')
      }
    })
    confirmWithin(graceMs + confirmMs)
  })
  const look = (pod: Pod, isGone: boolean): void => {
    if (pod.metadata.name !== podName) return
    const state = readPod(pod, isGone)
    if (state.kind === 'ended') last.resolve(state)
    else if (pod.metadata.deletionTimestamp !== undefined && confirming === undefined) {
      const grace = pod.metadata.deletionGracePeriodSeconds ?? defaultGraceSeconds
      confirmWithin(grace * 1_000 + confirmMs)
    }
  }
  void last.promise.then(() => {
    ended.abort()
    ending.hasEnded()
  })
  const stopWatching = tracker.watch({ name }, { pod: look, job() {} })
  look(input.pod, false)

  const followed = followOutput(
    { kubernetes, log, flow },
    { pod: podName, sink, ended: ended.signal, ...ending.output },
    over.signal,
  )
  followed.catch(() => {})
  const finish = async (): Promise<ExecutionResult> => {
    const state = await last.promise
    const isWhole = await followed
    const { exitCode, interrupted } = state
    if (ending.cause !== null) {
      if (state.isGuess && interrupted !== null) return failure(interrupted)
      return { ...ending.cause, exitCode }
    }
    if (state.isLate) return { outcome: 'timed_out', exitCode, reason: 'Took too long.' }
    if (interrupted !== null) return failure(interrupted)
    if (exitCode === null) return failure('The cluster does not say how it ended.')
    if (!isWhole) return failure('The end of its output could not be read: its log is gone.')
    const { memoryBytes } = spec.limits
    const needed =
      memoryBytes === null ? 'Its node ran out of memory.' : describeMemory(memoryBytes)
    return judgeExit(exitCode, state.outOfMemory ? needed : null)
  }
  const done = resultOf(log, spec, finish).finally(() => {
    stopWatching()
    ended.abort()
    ending.close()
    over.abort(new Error('the execution has ended'))
  })
  return { id: spec.id, done, stop: ending.stop }
}

function nodeOf({ spec }: Pod): string {
  return spec?.nodeName === undefined ? 'its node' : `node ${spec.nodeName}`
}

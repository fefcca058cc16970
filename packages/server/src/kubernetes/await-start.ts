import { AppError } from '../errors.ts'
import type { Kubernetes } from './connect-kubernetes.ts'
import { lastWarning } from './held-job.ts'
import { type Pod, type PodState, readPod } from './pod-state.ts'
import { settleLater } from './settle-later.ts'
import type { Job, JobTracker } from './track-jobs.ts'

/** Milliseconds for which an image that cannot be pulled is waited for, when it may be the network's fault. */
const mendMs = 60_000
/** Milliseconds after which it is asked why a job has no pod. */
const askMs = 10_000
/** Milliseconds for which the end of a pod is waited for when its job has failed. */
const settleMs = 2_000
/** What an admission of the cluster refuses now, it refuses later; a quota may become free. */
const neverAdmitted = /violates PodSecurity|denied the request|is forbidden(?!.*quota)/

/** Resolves with a pod that runs its command, or has already ended. */
export async function awaitStart(
  deps: { kubernetes: Kubernetes; tracker: JobTracker },
  input: {
    name: string
    /** Of the job, where another one may have had its name before. */
    uid?: string
    /** For messages, such as `A step of alpine:3`. */
    what: string
    timeoutMs: number
    /** How it rejects when its time is over, or its container cannot be started. Default: unavailable. */
    late?: 'unavailable' | 'invalid_request'
  },
  wanted: AbortSignal,
): Promise<Pod> {
  const { kubernetes, tracker } = deps
  const { name, uid, what, timeoutMs, late = 'unavailable' } = input
  const { promise, resolve, reject } = settleLater<Pod>()
  const over = new AbortController()
  let seen: { pod: Pod; state: PodState } | null = null
  let mending: NodeJS.Timeout | undefined
  let settling: NodeJS.Timeout | undefined

  const refuse = (code: 'invalid_request' | 'unavailable', why: string) =>
    reject(new AppError(code, why))
  /** The reason as far as the pod tells it, or else the cluster's last warning. */
  const why = async (): Promise<string> => {
    if (seen?.state.kind === 'waiting' && seen.state.why !== null) return seen.state.why
    const signal = AbortSignal.any([over.signal, AbortSignal.timeout(askMs)])
    const of = seen?.pod.metadata.name ?? name
    const told = await lastWarning(kubernetes, of, signal).catch(() => null)
    return told ?? (seen === null ? 'The cluster made no pod for it' : 'Its pod does not start')
  }
  const lost = (said: string, code: typeof late = 'unavailable') =>
    refuse(code, `${what} was not started: ${said}`)
  const giveUp = (said: string) => {
    const isImage = /Image|manifest|pull/i.test(said)
    refuse(isImage ? 'invalid_request' : late, `${what} cannot be started: ${said}`)
  }
  const stop = tracker.watch(
    { name, uid },
    {
      pod(pod, isGone) {
        const state = readPod(pod, isGone)
        seen = { pod, state }
        if (state.kind === 'running' || (state.kind === 'ended' && state.exitCode !== null)) {
          resolve(pod)
        } else if (state.kind === 'ended') {
          lost(state.interrupted ?? 'its pod ended without it', state.neverRan ? late : undefined)
        } else if (state.hope === 'never') giveUp(state.why ?? '')
        else if (state.hope === 'yes') {
          clearTimeout(mending)
          mending = undefined
        } else mending ??= setTimeout(() => void why().then(giveUp), mendMs)
      },
      job(job, isGone) {
        const failed = failureOf(job)
        if (failed !== null && seen?.state.kind !== 'running') {
          // Its pod is told of by another connection.
          settling ??= setTimeout(() => lost(failed), settleMs)
        }
        if (isGone) lost('somebody deleted its job')
      },
    },
  )
  const asking = setTimeout(() => {
    if (seen !== null) return
    void why().then((said) => {
      if (seen === null && neverAdmitted.test(said)) giveUp(said)
    })
  }, askMs)
  const overdue = setTimeout(() => {
    void why().then((said) => lost(`${said} (waited for ${Math.round(timeoutMs / 1_000)} s)`, late))
  }, timeoutMs)
  const abort = () => reject(wanted.reason)
  wanted.addEventListener('abort', abort, { once: true })
  if (wanted.aborted) abort()
  try {
    return await promise
  } finally {
    stop()
    over.abort(new Error('over'))
    wanted.removeEventListener('abort', abort)
    for (const timer of [asking, overdue, mending, settling]) clearTimeout(timer)
  }
}

/** Why a job has failed, in the cluster's words; null: it has not. */
export function failureOf({ status }: Job): string | null {
  const failed = status?.conditions?.find(
    ({ type, status: is }) => type === 'Failed' && is === 'True',
  )
  return failed === undefined ? null : (failed.message ?? failed.reason ?? 'its job failed')
}

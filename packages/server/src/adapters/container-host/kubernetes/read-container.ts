import { failureOf, type Job, type Pod, readPod } from '../../../kubernetes/index.ts'
import type { ContainerExit, FoundContainer } from '../../../ports/container-host.ts'
import { formatId } from './container-id.ts'
import { notes } from './describe-pod.ts'

/** A Job with what its annotations say. */
export interface ContainerJob extends Job {
  metadata: Job['metadata'] & { annotations?: Record<string, string> }
}

/** What is known of the pod of a container; null: nothing. */
export type KnownPod = { object: Pod; isGone: boolean } | null

export function toFound(
  job: ContainerJob,
  pod: KnownPod,
  /** Ended at our own wish. */
  wasStopped: boolean,
): FoundContainer {
  const { name, uid, annotations = {}, creationTimestamp = '' } = job.metadata
  const exit = exitOf(job, pod, wasStopped)
  const begun = startOf(pod)
  return {
    id: formatId({ name, uid }),
    name,
    labels: readLabels(annotations[notes.labels]),
    // One that was let go may be running at any time, whatever is known of it.
    state: exit !== null ? 'ended' : job.spec?.suspend === true ? 'created' : 'running',
    exit,
    createdAt: new Date(creationTimestamp),
    startedAt: begun,
    network: annotations[notes.network] ?? '',
    health: null,
  }
}

/** Null: it has not ended, as far as is known. */
export function exitOf(job: Job, pod: KnownPod, wasStopped: boolean): ContainerExit | null {
  const failure = failureOf(job)
  if (pod === null) {
    // Nobody is to take its end for a success: it may have been seen by nobody.
    return failure === null && !isComplete(job)
      ? null
      : neverSeen(failure ?? 'Its pod is gone.', wasLate(job))
  }
  const state = readPod(pod.object, pod.isGone)
  if (state.kind !== 'ended') return null
  const { exitCode, outOfMemory, interrupted, neverRan } = state
  const finished = terminationOf(pod.object)?.finishedAt
  return {
    exitCode,
    outOfMemory,
    interrupted: false,
    mayNotHaveRun: neverRan,
    reason: wasStopped ? null : wasLate(job) ? 'timeout' : interrupted,
    endedAt: finished === undefined ? new Date() : new Date(finished),
  }
}

/** The end of a container of whose pod nothing is known. */
export function neverSeen(why: string, isLate = false): ContainerExit {
  return {
    exitCode: null,
    outOfMemory: false,
    interrupted: false,
    mayNotHaveRun: false,
    reason: isLate ? 'timeout' : why,
    endedAt: new Date(),
  }
}

export function startTimeoutOf({ metadata }: ContainerJob): number {
  return Number(metadata.annotations?.[notes.startTimeoutMs] ?? 0)
}

export function imageOf({ metadata }: ContainerJob): string {
  return metadata.annotations?.[notes.image] ?? ''
}

/** Which request made it. */
export function requestOf({ metadata }: ContainerJob): string {
  return metadata.annotations?.[notes.request] ?? ''
}

function startOf(pod: KnownPod): Date | null {
  const { running } = pod?.object.status?.containerStatuses?.[0]?.state ?? {}
  const begun =
    running?.startedAt ?? (pod === null ? undefined : terminationOf(pod.object)?.startedAt)
  return begun === undefined ? null : new Date(begun)
}

function terminationOf({ status }: Pod) {
  return status?.containerStatuses?.[0]?.state?.terminated
}

function isComplete({ status }: Job): boolean {
  return (status?.conditions ?? []).some(
    ({ type, status: is }) => type === 'Complete' && is === 'True',
  )
}

/** The cluster ended it, as it was told to. */
function wasLate({ status }: Job): boolean {
  return (status?.conditions ?? []).some(({ reason }) => reason === 'DeadlineExceeded')
}

function readLabels(text: string | undefined): Record<string, string> {
  try {
    return JSON.parse(text ?? '{}') as Record<string, string>
  } catch {
    // Somebody has edited it.
    return {}
  }
}

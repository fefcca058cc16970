import type { KubernetesObject } from './resources.ts'

/** What a cluster says of a pod; only what is read here. */
export interface Pod extends KubernetesObject {
  metadata: KubernetesObject['metadata'] & { deletionGracePeriodSeconds?: number }
  spec?: { nodeName?: string }
  status?: {
    phase?: string
    reason?: string
    message?: string
    conditions?: { type: string; status: string; reason?: string; message?: string }[]
    containerStatuses?: {
      name: string
      state?: {
        waiting?: { reason?: string; message?: string }
        running?: { startedAt?: string }
        terminated?: {
          exitCode: number
          reason?: string
          message?: string
          startedAt?: string
          finishedAt?: string
        }
      }
    }[]
  }
}

/** Name of the one container. */
export const containerName = 'step'

export type PodState =
  | {
      kind: 'waiting'
      /** One sentence; null: nothing is wrong so far. */
      why: string | null
      /** never: waiting helps nothing; soon: it seldom does. */
      hope: 'yes' | 'soon' | 'never'
    }
  | { kind: 'running' }
  | {
      kind: 'ended'
      /** Null: it never ran, or nobody knows. */
      exitCode: number | null
      outOfMemory: boolean
      /** Why it did not end by itself, in one sentence; null: it did. */
      interrupted: string | null
      /** It took longer than the cluster was told. */
      isLate: boolean
      /** Its runtime could not run its first command. */
      neverRan: boolean
    }

/** What no further attempt of the kubelet mends. */
const hopeless = ['InvalidImageName', 'ErrImageNeverPull', 'CreateContainerConfigError']
const seldomMended = [
  'ErrImagePull',
  'ImagePullBackOff',
  'CreateContainerError',
  'RunContainerError',
]
/** What a runtime says of a container whose first command could not be run. */
const neverRan = ['StartError', 'ContainerCannotRun']
/** What registries say of images that there are not, or not for us. */
const noSuchImage = /not found|manifest unknown|unauthorized|denied|forbidden|does not exist/i
const maxMessage = 500

/** Reads a pod whose one container runs a command once. `isGone`: this was the last that was seen of it. */
export function readPod(pod: Pod, isGone = false): PodState {
  const { status = {}, metadata } = pod
  const state = status.containerStatuses?.find(({ name }) => name === containerName)?.state
  const { terminated } = state ?? {}
  const isOver = status.phase === 'Failed' || status.phase === 'Succeeded'
  // The phase may say it before the container does, and then its exit code is still to come.
  if (terminated !== undefined || isGone || (isOver && state?.running === undefined)) {
    const hasRun = !neverRan.includes(terminated?.reason ?? '')
    return {
      kind: 'ended',
      exitCode: hasRun ? (terminated?.exitCode ?? null) : null,
      outOfMemory: terminated?.reason === 'OOMKilled',
      interrupted: hasRun
        ? interruption(pod, terminated?.finishedAt, isGone)
        : `Its container cannot be started; an image needs /bin/sh. ${cut(terminated?.message ?? '')}`,
      isLate: status.reason === 'DeadlineExceeded',
      neverRan: !hasRun,
    }
  }
  if (state?.running !== undefined) return { kind: 'running' }
  if (metadata.deletionTimestamp !== undefined) {
    return { kind: 'waiting', why: 'Its pod is being deleted.', hope: 'soon' }
  }
  return waiting(pod, state?.waiting)
}

function waiting(
  { status = {} }: Pod,
  told: { reason?: string; message?: string } | undefined,
): PodState {
  const { reason = '', message = '' } = told ?? {}
  const said = `${reason}${message === '' ? '' : `: ${cut(message)}`}`
  if (hopeless.includes(reason)) return { kind: 'waiting', why: said, hope: 'never' }
  if (seldomMended.includes(reason)) {
    const isNone = /Image/.test(reason) && noSuchImage.test(message)
    return { kind: 'waiting', why: said, hope: isNone ? 'never' : 'soon' }
  }
  const unplaced = status.conditions?.find(
    ({ type, status: is }) => type === 'PodScheduled' && is === 'False',
  )
  const why = unplaced?.message === undefined ? null : `No node takes it: ${cut(unplaced.message)}`
  return { kind: 'waiting', why, hope: 'yes' }
}

/** Somebody or something else ended it. */
function interruption(pod: Pod, finishedAt: string | undefined, isGone: boolean): string | null {
  const { status = {}, metadata, spec = {} } = pod
  const node = spec.nodeName === undefined ? 'its node' : `node ${spec.nodeName}`
  const disrupted = status.conditions?.find(
    ({ type, status: is }) => type === 'DisruptionTarget' && is === 'True',
  )
  if (status.reason === 'Evicted') return `Evicted from ${node}: ${cut(status.message ?? '')}`
  if (status.reason === 'NodeLost' || disrupted?.reason === 'DeletionByTaintManager') {
    return `The cluster lost ${node} while it ran.`
  }
  if (disrupted !== undefined) {
    return `The cluster ended it (${disrupted.reason ?? 'disrupted'}): ${cut(disrupted.message ?? '')}`
  }
  if (status.reason !== undefined && status.reason !== 'DeadlineExceeded') {
    return `The cluster ended it (${status.reason}): ${cut(status.message ?? '')}`
  }
  if (metadata.deletionTimestamp !== undefined) {
    // The time in it is the one at which the grace ends.
    const asked =
      Date.parse(metadata.deletionTimestamp) - (metadata.deletionGracePeriodSeconds ?? 0) * 1_000
    const hadEnded = finishedAt !== undefined && Date.parse(finishedAt) < asked
    return hadEnded ? null : 'Somebody deleted its pod.'
  }
  return isGone && finishedAt === undefined ? 'Its pod is gone.' : null
}

function cut(message: string): string {
  return message.length > maxMessage ? `${message.slice(0, maxMessage)}…` : message
}

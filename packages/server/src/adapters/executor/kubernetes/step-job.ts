import {
  events,
  explainRefusal,
  isGone,
  jobs,
  type Kubernetes,
  KubernetesRefusal,
  type KubernetesObject,
  pods,
  secrets,
} from '../../../kubernetes/index.ts'
import { describeJob, describeSecret, type JobInput } from './describe-job.ts'

/** Milliseconds for which a request is repeated while the API server is away or overloaded. */
export const patienceMs = 120_000
/** Events of one object that are looked at. */
const eventCount = '50'

/**
 * Creates the Job of a step, then its Secret, which belongs to it from the beginning on, and lets it go.
 * Whatever fails, removing the Job removes all of it.
 */
export async function createStepJob(
  kubernetes: Kubernetes,
  input: JobInput,
  signal: AbortSignal,
): Promise<void> {
  const { name } = input
  try {
    const job = await create(kubernetes, name, describeJob(input), signal)
    const body = describeSecret(input, { uid: job.metadata.uid })
    await kubernetes
      .json({ method: 'POST', resource: secrets, body, patienceMs }, signal)
      // Nobody else has the name: it was made by a request whose answer was lost.
      .catch((error: unknown) => {
        if (!isTaken(error)) throw error
      })
    const patch = { method: 'PATCH', resource: jobs, name, patienceMs } as const
    await kubernetes.json({ ...patch, body: { spec: { suspend: false } } }, signal)
  } catch (error) {
    throw explainRefusal(error, 'The cluster takes no job of a step')
  }
}

async function create(
  kubernetes: Kubernetes,
  name: string,
  body: Record<string, unknown>,
  signal: AbortSignal,
): Promise<KubernetesObject> {
  const resource = jobs
  try {
    return await kubernetes.json({ method: 'POST', resource, body, patienceMs }, signal)
  } catch (error) {
    if (!isTaken(error)) throw error
    return kubernetes.json({ method: 'GET', resource, name, patienceMs }, signal)
  }
}

/** With its pod and its Secret. One that is gone is no error. */
export async function removeStepJob(
  kubernetes: Kubernetes,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const body = { propagationPolicy: 'Background' }
  await ignoreGone(
    kubernetes.json({ method: 'DELETE', resource: jobs, name, body, patienceMs }, signal),
  )
}

/**
 * Asks a pod to end, and ends it after so many seconds. With the grace that it was made with, its object and
 * its log stay until its job goes; with another one, the pod goes when it has ended.
 */
export async function endPod(
  kubernetes: Kubernetes,
  name: string,
  /** Null: its own. At least 1: with 0, a pod is forgotten while it may still run. */
  graceSeconds: number | null,
  signal: AbortSignal,
): Promise<void> {
  const asked = { resource: pods, name, patienceMs } as const
  if (graceSeconds === null) {
    const body = { spec: { activeDeadlineSeconds: 1 } }
    await ignoreGone(kubernetes.json({ method: 'PATCH', ...asked, body }, signal))
  } else {
    const body = { gracePeriodSeconds: Math.max(1, graceSeconds) }
    await ignoreGone(kubernetes.json({ method: 'DELETE', ...asked, body }, signal))
  }
}

/** What the cluster last warned of about a job or a pod; null: nothing. */
export async function lastWarning(
  kubernetes: Kubernetes,
  name: string,
  signal: AbortSignal,
): Promise<string | null> {
  const query = { fieldSelector: `involvedObject.name=${name},type=Warning`, limit: eventCount }
  const { items } = await kubernetes.json<{ items: WarningEvent[] }>(
    { method: 'GET', resource: events, query },
    signal,
  )
  const timeOf = ({ lastTimestamp, eventTime, metadata }: WarningEvent) =>
    lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? ''
  const newest = items.toSorted((a, b) => (timeOf(a) < timeOf(b) ? -1 : 1)).at(-1)
  return newest?.message ?? null
}

interface WarningEvent extends KubernetesObject {
  message?: string
  lastTimestamp?: string | null
  eventTime?: string | null
}

function isTaken(error: unknown): boolean {
  return error instanceof KubernetesRefusal && error.reason === 'AlreadyExists'
}

async function ignoreGone(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!isGone(error)) throw error
  }
}

import type { Kubernetes } from './connect-kubernetes.ts'
import { isGone, KubernetesRefusal } from './kubernetes-refusal.ts'
import { events, jobs, type KubernetesObject, pods, secrets } from './resources.ts'

/** Milliseconds for which a request is repeated while the API server is away or overloaded. */
export const defaultPatienceMs = 120_000
/** Events of one object that are looked at. */
const eventCount = '50'

/**
 * Creates a Job that is held back (`suspend`). Where the name is taken it is one of ours whose answer was lost,
 * or another's: the caller knows.
 */
export async function createHeldJob(
  kubernetes: Kubernetes,
  job: { name: string; body: Record<string, unknown>; patienceMs?: number },
  signal: AbortSignal,
): Promise<{ job: KubernetesObject; wasThere: boolean }> {
  const { name, body, patienceMs = defaultPatienceMs } = job
  const resource = jobs
  try {
    const made = { method: 'POST', resource, body, patienceMs } as const
    return { job: await kubernetes.json(made, signal), wasThere: false }
  } catch (error) {
    if (!isTaken(error)) throw error
    const asked = { method: 'GET', resource, name, patienceMs } as const
    return { job: await kubernetes.json(asked, signal), wasThere: true }
  }
}

/** Creates the Secret of a Job whose name nobody else has. */
export async function createJobSecret(
  kubernetes: Kubernetes,
  body: Record<string, unknown>,
  signal: AbortSignal,
  patienceMs = defaultPatienceMs,
): Promise<void> {
  await kubernetes
    .json({ method: 'POST', resource: secrets, body, patienceMs }, signal)
    // It was made by a request whose answer was lost.
    .catch((error: unknown) => {
      if (!isTaken(error)) throw error
    })
}

/** The body of a Secret that belongs to a Job from the beginning on, and goes with it. */
export function describeJobSecret(input: {
  name: string
  labels: Readonly<Record<string, string>>
  job: { name: string; uid: string }
  data: readonly (readonly [key: string, value: Buffer])[]
}): Record<string, unknown> {
  const { name, labels, job, data } = input
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      labels,
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', ...job }],
    },
    immutable: true,
    type: 'Opaque',
    data: Object.fromEntries(data.map(([key, value]) => [key, value.toString('base64')])),
  }
}

/** Lets a Job go that was held back. */
export async function releaseJob(
  kubernetes: Kubernetes,
  name: string,
  signal: AbortSignal,
  patienceMs = defaultPatienceMs,
): Promise<void> {
  const patch = { method: 'PATCH', resource: jobs, name, patienceMs } as const
  await kubernetes.json({ ...patch, body: { spec: { suspend: false } } }, signal)
}

/** With its pod and its Secrets. One that is gone is no error. */
export async function removeJob(
  kubernetes: Kubernetes,
  name: string,
  signal: AbortSignal,
  /** Of the one that is meant; default: whoever has the name. */
  uid?: string,
): Promise<void> {
  const preconditions = uid === undefined ? {} : { preconditions: { uid } }
  const body = { propagationPolicy: 'Background', ...preconditions }
  await ignoreGone(
    kubernetes.json(
      { method: 'DELETE', resource: jobs, name, body, patienceMs: defaultPatienceMs },
      signal,
    ),
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
  const asked = { resource: pods, name, patienceMs: defaultPatienceMs } as const
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

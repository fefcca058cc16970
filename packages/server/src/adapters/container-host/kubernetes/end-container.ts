import { setTimeout as sleep } from 'node:timers/promises'
import { endPod, type Kubernetes, KubernetesRefusal, removeJob } from '../../../kubernetes/index.ts'
import { type ContainerId, parseId } from './container-id.ts'
import type { ContainerFinder } from './find-containers.ts'
import { graceSeconds } from './job-script.ts'
import { watchContainer, type WatchDeps } from './watch-container.ts'

/** Milliseconds that a pod has to be gone: of a lost node nobody knows. */
const podGoneMs = 30_000
/** Milliseconds between two looks at whether a pod is gone. */
const lookMs = 100

export interface EndDeps {
  kubernetes: Kubernetes
  find: ContainerFinder
  watching: () => WatchDeps
  /** Remembers that its end is our own wish. */
  noteStopped(id: ContainerId): void
}

/** SIGTERM for everybody in the container, and SIGKILL after `graceMs`, or after its own grace if that is shorter. */
export async function stopContainer(
  deps: EndDeps,
  input: { id: string; graceMs: number },
  signal: AbortSignal,
): Promise<void> {
  const { kubernetes, find } = deps
  const { id, graceMs } = input
  const job = await find.require(id, signal)
  const own = { name: job.metadata.name, uid: job.metadata.uid }
  const [pod] = await find.pods(own, signal)
  if (pod === undefined || find.describe(job, [pod]).state !== 'running') return
  deps.noteStopped(own)
  const watched = watchContainer(deps.watching(), own, signal)
  try {
    // With its own grace its object and its log stay; it can only be made shorter.
    await endPod(kubernetes, pod.metadata.name, null, signal)
    if (graceMs < graceSeconds * 1_000) {
      const isLate = await Promise.race([
        watched.ended.then(() => false),
        sleep(graceMs, true, { signal }),
      ])
      if (isLate) await endPod(kubernetes, pod.metadata.name, 1, signal)
    }
    await watched.ended
  } finally {
    watched.close()
  }
}

/** With its pod and its Secrets. Waits until the pod is gone, unless its node is lost: then the cluster sees to it. */
export async function removeContainer(
  deps: EndDeps,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const { kubernetes, find } = deps
  const own = parseId(id)
  if (own === null || (await find.job(own.name, own.uid, signal)) === null) return
  deps.noteStopped(own)
  for (const pod of await find.pods(own, signal)) {
    await endPod(kubernetes, pod.metadata.name, 1, signal)
  }
  try {
    await removeJob(kubernetes, own.name, signal, own.uid)
  } catch (error) {
    // Another one has the name by now.
    if (!(error instanceof KubernetesRefusal) || error.status !== 409) throw error
  }
  const giveUpAt = performance.now() + podGoneMs
  while ((await find.pods(own, signal)).length > 0 && performance.now() < giveUpAt) {
    await sleep(lookMs, undefined, { signal })
  }
}

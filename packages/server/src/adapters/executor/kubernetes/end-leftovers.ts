import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import {
  endPod,
  jobs,
  type Kubernetes,
  type KubernetesObject,
  pods,
  removeJob,
} from '../../../kubernetes/index.ts'

/** Milliseconds for all of it: of a pod whose node is lost nobody knows when it ends. */
const leftoverMs = 60_000
/** Milliseconds between two looks at whether their pods have ended. */
const lookMs = 250
/** Objects in one answer. */
const limit = '500'

/**
 * Ends what a dead predecessor left running, and waits until the cluster says that it has ended; what is on a
 * node that does not answer is left to the cluster, with a warning.
 */
export async function endLeftovers(
  kubernetes: Kubernetes,
  ownerSelector: string,
  log: Logger,
  closing: AbortSignal,
): Promise<void> {
  const late = AbortSignal.timeout(leftoverMs)
  const signal = AbortSignal.any([late, closing])
  const query = { labelSelector: ownerSelector, limit }
  const list = async (resource: typeof pods): Promise<KubernetesObject[]> => {
    const found = await kubernetes.json<{ items: KubernetesObject[] }>(
      { method: 'GET', resource, query },
      signal,
    )
    return found.items
  }
  let ended = 0
  for (;;) {
    const left = await list(jobs)
    if (left.length === 0) break
    ended += left.length
    await Promise.all(left.map(({ metadata }) => removeJob(kubernetes, metadata.name, signal)))
  }
  const asked = new Set<string>()
  for (;;) {
    const left = await list(pods)
    if (left.length === 0) break
    for (const { metadata } of left) {
      if (asked.has(metadata.uid)) continue
      asked.add(metadata.uid)
      await endPod(kubernetes, metadata.name, 1, signal)
    }
    if (late.aborted) break
    try {
      await sleep(lookMs, undefined, { signal })
    } catch {
      closing.throwIfAborted()
      log.warn(
        { pods: left.length },
        'pods of an earlier server do not end: their nodes may be lost',
      )
      break
    }
  }
  if (ended > 0) log.warn({ jobs: ended }, 'ended what an earlier server left running')
}

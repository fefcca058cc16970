import { AppError } from '../errors.ts'
import type { Kubernetes } from './connect-kubernetes.ts'
import { defaultPatienceMs } from './held-job.ts'
import { explainRefusal, isGone } from './kubernetes-refusal.ts'
import { type KubernetesObject, networkPolicies } from './resources.ts'

/** Label by which policies tell pods apart that may not use the network. */
export const networkLabel = 'slipway.dev/network'

/** What a policy of ours is for. */
interface Policy {
  name: string
  /** Of the label. */
  value: string
  /** For messages. */
  what: string
  holds(policy: NetworkPolicy): boolean
}

const policies: Readonly<Record<'none' | 'internet', Policy>> = {
  none: {
    name: 'slipway-no-network',
    value: 'none',
    what: 'A step or a job without a network',
    holds: cutsOff,
  },
  internet: {
    name: 'slipway-internet',
    value: 'internet',
    what: 'A job that may reach the internet alone',
    holds: leadsOutward,
  },
}

/** Milliseconds for which a policy that was found is taken to be there. */
const knownMs = 60_000

export interface NetworkPolicy extends KubernetesObject {
  spec?: {
    podSelector?: { matchLabels?: Record<string, string>; matchExpressions?: unknown[] }
    policyTypes?: string[]
    ingress?: unknown[]
    egress?: unknown[]
  }
}

/** Rejects with an AppError `unavailable` where pods with the label would not be held by its policy. */
export function createNetworkCheck(
  kubernetes: Kubernetes,
  network: keyof typeof policies = 'none',
  patienceMs = defaultPatienceMs,
): (signal: AbortSignal) => Promise<void> {
  const { name, what, holds } = policies[network]
  let until = 0
  return async (signal) => {
    if (performance.now() < until) return
    const policy = await kubernetes
      .json<NetworkPolicy>({ method: 'GET', resource: networkPolicies, name, patienceMs }, signal)
      .catch((error: unknown) => {
        if (isGone(error)) return null
        throw explainRefusal(error, `Whether there is the NetworkPolicy ${name} is not known`)
      })
    if (policy === null || !holds(policy)) {
      throw new AppError(
        'unavailable',
        `${what} needs the NetworkPolicy ${name} in namespace ${kubernetes.namespace}, which ${policy === null ? 'is not there' : 'lets some of it through'}: apply deploy/kubernetes/network-policy.yaml`,
      )
    }
    until = performance.now() + knownMs
  }
}

/** Whether a policy takes all traffic from the pods that carry the label. */
export function cutsOff(policy: NetworkPolicy): boolean {
  return isClosed(policy, 'none') && (policy.spec?.egress ?? []).length === 0
}

/** Whether a policy lets nobody in to such pods, and holds what they may reach to what it names. */
export function leadsOutward(policy: NetworkPolicy): boolean {
  const egress = (policy.spec?.egress ?? []) as { to?: unknown[] }[]
  return isClosed(policy, 'internet') && egress.every(({ to = [] }) => to.length > 0)
}

function isClosed({ spec = {} }: NetworkPolicy, value: string): boolean {
  const { podSelector = {}, policyTypes = [], ingress = [] } = spec
  const wanted = Object.entries(podSelector.matchLabels ?? {})
  return (
    policyTypes.includes('Ingress') &&
    policyTypes.includes('Egress') &&
    ingress.length === 0 &&
    (podSelector.matchExpressions ?? []).length === 0 &&
    wanted.every(([name, is]) => name === networkLabel && is === value)
  )
}

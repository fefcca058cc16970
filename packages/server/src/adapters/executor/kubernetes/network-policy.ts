import { AppError } from '../../../errors.ts'
import {
  explainRefusal,
  isGone,
  type Kubernetes,
  type KubernetesObject,
  networkPolicies,
} from '../../../kubernetes/index.ts'
import { networkLabel } from './describe-job.ts'
import { patienceMs } from './step-job.ts'

/** Name of the policy that cuts off the pods of steps with `network: none`. */
const policyName = 'slipway-no-network'

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

/** Rejects with an AppError `unavailable` where a pod without a network would have one. */
export function createNetworkCheck(kubernetes: Kubernetes): (signal: AbortSignal) => Promise<void> {
  let until = 0
  return async (signal) => {
    if (performance.now() < until) return
    const policy = await kubernetes
      .json<NetworkPolicy>(
        { method: 'GET', resource: networkPolicies, name: policyName, patienceMs },
        signal,
      )
      .catch((error: unknown) => {
        if (isGone(error)) return null
        throw explainRefusal(error, `Whether there is the NetworkPolicy ${policyName} is not known`)
      })
    if (policy === null || !cutsOff(policy)) {
      throw new AppError(
        'unavailable',
        `A step without a network needs the NetworkPolicy ${policyName} in namespace ${kubernetes.namespace}, which ${policy === null ? 'is not there' : 'lets some of it through'}: apply deploy/kubernetes/network-policy.yaml`,
      )
    }
    until = performance.now() + knownMs
  }
}

/** Whether a policy takes all traffic from the pods that carry the label. */
export function cutsOff({ spec = {} }: NetworkPolicy): boolean {
  const { podSelector = {}, policyTypes = [], ingress = [], egress = [] } = spec
  const wanted = Object.entries(podSelector.matchLabels ?? {})
  return (
    policyTypes.includes('Ingress') &&
    policyTypes.includes('Egress') &&
    ingress.length === 0 &&
    egress.length === 0 &&
    (podSelector.matchExpressions ?? []).length === 0 &&
    wanted.every(([name, value]) => name === networkLabel && value === 'none')
  )
}

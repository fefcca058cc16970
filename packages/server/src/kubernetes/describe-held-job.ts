import { networkLabel } from './network-policy.ts'

interface HeldJobInput {
  name: string
  /** Of the Job and of its pod. */
  labels: Readonly<Record<string, string>>
  annotations: Readonly<Record<string, string>>
  /** What policies know its pod by. */
  network: string
  /** Seconds after which the cluster ends it by itself, should nobody else be there. */
  deadlineSeconds: number
  /** Seconds for which the cluster keeps it after its end, should nobody remove it. */
  keepSeconds: number
  /** Seconds that its pod has to end when it is asked to, where nobody says otherwise. */
  graceSeconds: number
  isRoot: boolean
  place: {
    /** Names of Secrets with logins of registries. */
    pullSecrets: readonly string[]
    /** Labels that a node must have. */
    nodeSelector: Readonly<Record<string, string>>
    /** Of a sandbox such as gVisor; null: that of the cluster. */
    runtimeClass: string | null
  }
  container: Readonly<Record<string, unknown>>
  volumes?: readonly unknown[]
}

/**
 * The body of a Job of one pod, held back until it is released: no account of the cluster, and nothing of it
 * starts again by itself.
 */
export function describeHeldJob(input: HeldJobInput): Record<string, unknown> {
  const { name, labels, annotations, place, volumes } = input
  const { runtimeClass, pullSecrets, nodeSelector } = place
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, labels, annotations },
    spec: {
      suspend: true,
      parallelism: 1,
      completions: 1,
      backoffLimit: 0,
      podReplacementPolicy: 'Failed',
      activeDeadlineSeconds: input.deadlineSeconds,
      ttlSecondsAfterFinished: input.keepSeconds,
      template: {
        metadata: {
          labels: { ...labels, [networkLabel]: input.network },
          // Nobody moves it to another node to make room: it would have to begin anew.
          annotations: { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false' },
        },
        spec: {
          restartPolicy: 'Never',
          terminationGracePeriodSeconds: input.graceSeconds,
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          ...(runtimeClass === null ? {} : { runtimeClassName: runtimeClass }),
          ...(pullSecrets.length === 0
            ? {}
            : { imagePullSecrets: pullSecrets.map((secret) => ({ name: secret })) }),
          ...(Object.keys(nodeSelector).length === 0 ? {} : { nodeSelector }),
          securityContext: {
            runAsNonRoot: !input.isRoot,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          ...(volumes === undefined ? {} : { volumes }),
          containers: [input.container],
        },
      },
    },
  }
}

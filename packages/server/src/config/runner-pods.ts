import Type from 'typebox'
import type { PodSettings } from '../ports/container-host.ts'
import { asMapping } from './check-mapping.ts'
import type { ClusterConfig } from './cluster-settings.ts'
import { nodeLabels, objectName, userAndGroup } from './parse-kubernetes.ts'
import { duration, InvalidValue, type Parse } from './parse.ts'

const defaults = { startTimeout: '10m' } as const
const longestStartMs = 3_600_000
const text = (description: string, given: object = {}) =>
  Type.Optional(Type.String({ description, ...given }))

/** `kubernetes` of a class in the file. */
export const RunnerPodsFile = Type.Object(
  {
    runAs: text(
      'Whom its containers run as: `image`, the user of the image, by number and not root; a user or `user:group` by number; or `root`.',
      { default: 'image' },
    ),
    nodeSelector: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        description: 'Labels that their nodes must have.',
        maxProperties: 20,
      }),
    ),
    runtimeClass: text('Runtime class of a sandbox such as gVisor; default: that of the cluster.'),
    pullSecrets: Type.Optional(
      Type.Array(Type.String(), {
        description: 'Names of Secrets with logins of registries, in the namespace of its pods.',
        maxItems: 20,
      }),
    ),
    startTimeout: text('Time for a node and an image, at most `1h`.', {
      default: defaults.startTimeout,
    }),
  },
  { additionalProperties: false, description: 'How its pods are, with `executor: kubernetes`.' },
)

/** What a class is told of its pods. */
export type ClassPods = Omit<PodSettings, 'deadlineMs'>

type Problem = (message: string) => void

/**
 * Reads how the pods of a class are; null: it has none. What a cluster cannot do of what is asked of the class is
 * a problem.
 */
export function readRunnerPods(
  written: Readonly<Record<string, unknown>>,
  problem: Problem,
): ClassPods | null {
  if (written['executor'] !== 'kubernetes') {
    if (written['kubernetes'] !== undefined) {
      problem('kubernetes: has no meaning without executor: kubernetes')
    }
    return null
  }
  refuseForPods(written, problem)
  const given = asMapping(written['kubernetes'])
  const read = <T>(value: unknown, parse: Parse<T>, where: string, otherwise: T): T => {
    if (typeof value !== 'string') return otherwise
    try {
      return parse(value)
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error
      problem(`kubernetes.${where}: ${error.message}`)
      return otherwise
    }
  }
  const selector = Object.entries(asMapping(given['nodeSelector'])).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  const secrets = Array.isArray(given['pullSecrets']) ? given['pullSecrets'] : []
  return {
    runAs: read(given['runAs'], identity, 'runAs', 'image'),
    nodeSelector: Object.assign(
      {},
      ...selector.map(([name, value]) =>
        read(`${name}=${value}`, nodeLabels, `nodeSelector.${name}`, {}),
      ),
    ) as Record<string, string>,
    runtimeClass: read<string | null>(given['runtimeClass'], objectName, 'runtimeClass', null),
    pullSecrets: secrets.flatMap((name, index) => {
      const known = read<string | null>(name, objectName, `pullSecrets[${index}]`, null)
      return known === null ? [] : [known]
    }),
    startTimeoutMs: read(
      given['startTimeout'] ?? defaults.startTimeout,
      startTimeout,
      'startTimeout',
      0,
    ),
  }
}

/** What is wrong with classes for a cluster where there is none. */
export function runnerPodProblems(
  classes: readonly { name: string; executor: string }[],
  cluster: Pick<ClusterConfig, 'kubeconfig' | 'service'>,
): string[] {
  const wanting = classes.filter(({ executor }) => executor === 'kubernetes')
  if (wanting.length === 0 || cluster.kubeconfig !== null || cluster.service !== null) return []
  const names = wanting.map(({ name }) => name).join(', ')
  return [
    `KUBECONFIG: runner classes with executor: kubernetes (${names}) need a cluster: set it, or run the server in a pod of the cluster`,
  ]
}

/** What Docker does for a class, and a cluster does not. */
function refuseForPods(written: Readonly<Record<string, unknown>>, problem: Problem): void {
  const isGiven = (value: unknown) => Array.isArray(value) && value.length > 0
  const { warm, mounts, images, network } = written
  if (typeof warm === 'number' && warm > 0) {
    problem('warm: a cluster creates nothing ahead: a pod exists from its start on')
  }
  for (const [name, value] of Object.entries({ mounts, images })) {
    if (!isGiven(value)) continue
    problem(
      `${name}: is for jobs of proxy runners, which need a Docker engine: their hooks run commands in a container, and others beside it`,
    )
  }
  if (asMapping(written['limits'])['pids'] !== undefined) {
    problem(
      'limits.pids: a cluster limits processes by its nodes alone (podPidsLimit of the kubelet)',
    )
  }
  if (typeof network === 'string' && !['none', 'internet', 'cluster'].includes(network)) {
    problem('network: is internet, cluster or none with executor: kubernetes')
  }
}

const identity: Parse<PodSettings['runAs']> = (given) => {
  if (given === 'image' || given === 'root') return given
  let parsed: { uid: number; gid: number }
  try {
    parsed = userAndGroup(given)
  } catch {
    throw new InvalidValue('must be image, root, or a user by number such as 1000 or 1000:1000')
  }
  if (parsed.uid === 0) throw new InvalidValue('root has to be asked for by its name')
  return parsed
}

const startTimeout: Parse<number> = (given) => {
  const ms = duration(given)
  if (ms > longestStartMs) throw new InvalidValue('must not be longer than 1h')
  return ms
}

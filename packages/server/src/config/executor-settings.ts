import type { clusterSettings } from './cluster-settings.ts'
import {
  bytes,
  directory,
  duration,
  integer,
  InvalidValue,
  type Parse,
  positiveNumber,
} from './parse.ts'
import { nodeLabels, objectName, objectNames, userAndGroup } from './parse-kubernetes.ts'
import { absent, present, type ValuesOf } from './setting.ts'

/** What steps run in. */
export interface ExecutorConfig {
  kind: 'process' | 'docker' | 'kubernetes'
  /** Image of steps that name none; null: there is none. Always null for `process`. */
  stepImage: string | null
  /** Null unless it is the kind. */
  kubernetes: KubernetesConfig | null
}

export interface KubernetesConfig {
  /** Null: that of the account. */
  namespace: string | null
  volumeClaim: string
  /** Absolute. */
  volumePath: string
  /** Null: whom the server runs as. */
  runAs: { uid: number; gid: number } | null
  startTimeoutMs: number
  pullSecrets: readonly string[]
  nodeSelector: Readonly<Record<string, string>>
  runtimeClass: string | null
}

const kinds = ['process', 'docker', 'kubernetes'] as const
const executorName: Parse<ExecutorConfig['kind']> = (text) => {
  const kind = kinds.find((each) => each === text)
  if (kind === undefined) throw new InvalidValue(`must be one of ${kinds.join(', ')}`)
  return kind
}

const imageName: Parse<string> = (text) => {
  if (/^[A-Za-z0-9][A-Za-z0-9._/:@-]{0,499}$/.test(text)) return text
  throw new InvalidValue('must be the name of an image, such as host/tools:1.0')
}

/** Settings of what runs steps; part of `settings`. */
export const executorSettings = {
  SLIPWAY_EXECUTOR: present({
    description:
      'What steps run in: `process`, processes of this machine, with containers of the Docker engine for those that name an image; `docker`, containers for all; or `kubernetes`, Jobs of a cluster for all.',
    default: 'process',
    parse: executorName,
  }),
  SLIPWAY_STEP_IMAGE: absent({
    description:
      'Image of steps that name none, with `/bin/sh`; not for the executor `process`, which runs them on this machine.',
    default: null,
    defaultNote: 'such steps fail',
    parse: imageName,
  }),
  SLIPWAY_STEP_OUTPUT_LIMIT: present({
    description: 'Output that one step may write, e.g. `256MiB`; one byte more ends it.',
    default: '256MiB',
    parse: bytes,
  }),
  SLIPWAY_STEP_MEMORY_LIMIT: absent({
    description: 'Memory that one step may use, e.g. `4GiB`.',
    default: null,
    defaultNote: 'no limit',
    parse: bytes,
  }),
  SLIPWAY_STEP_PIDS_LIMIT: present({
    description: 'Processes and threads that one step may have at once.',
    default: '4096',
    parse: integer(1, 4_194_304),
  }),
  SLIPWAY_STEP_CPU_LIMIT: absent({
    description: 'CPU cores that one step may use, fractions allowed, e.g. `1.5`.',
    default: null,
    defaultNote: 'no limit',
    parse: positiveNumber,
  }),
  KUBERNETES_VOLUME_CLAIM: absent({
    description:
      'PersistentVolumeClaim of the volume that the data directory is on. Steps mount what is theirs of it, so it is one that several nodes mount at once (`ReadWriteMany`), or all steps run on the node of this server.',
    default: null,
    parse: objectName,
  }),
  KUBERNETES_VOLUME_PATH: absent({
    description: 'Where this server has that volume mounted.',
    default: null,
    defaultNote: 'the data directory',
    parse: directory,
  }),
  KUBERNETES_RUN_AS: absent({
    description: 'User that steps run as, `uid` or `uid:gid`: whoever owns the data directory.',
    default: null,
    defaultNote: 'whom the server runs as, unless that is root',
    parse: userAndGroup,
  }),
  KUBERNETES_START_TIMEOUT: present({
    description: 'How long the pod of a step may take to get a node and its image.',
    default: '10m',
    parse: duration,
  }),
  KUBERNETES_IMAGE_PULL_SECRETS: present({
    description: 'Secrets with logins of registries, by name, separated by commas.',
    default: '',
    defaultNote: 'those of the namespace’s default account',
    emptyIsValue: true,
    parse: objectNames,
  }),
  KUBERNETES_NODE_SELECTOR: present({
    description: 'Labels that the nodes of steps have, as `name=value`, separated by commas.',
    default: '',
    defaultNote: 'any node',
    emptyIsValue: true,
    parse: nodeLabels,
  }),
  KUBERNETES_RUNTIME_CLASS: absent({
    description:
      'RuntimeClass of steps: a sandbox such as gVisor or Kata, where the cluster has one.',
    default: null,
    defaultNote: 'that of the cluster',
    parse: objectName,
  }),
}

const onlyForKubernetes = [
  'KUBERNETES_VOLUME_CLAIM',
  'KUBERNETES_VOLUME_PATH',
  'KUBERNETES_RUN_AS',
  'KUBERNETES_RUNTIME_CLASS',
] as const

/** What is wrong with these settings together. What was refused is undefined: that is told already. */
export function executorProblems(values: ValuesOf<typeof executorSettings>): string[] {
  const { SLIPWAY_EXECUTOR: kind, SLIPWAY_STEP_IMAGE: image } = values
  const problems: string[] = []
  if (kind === 'process' && typeof image === 'string') {
    problems.push(
      'SLIPWAY_STEP_IMAGE: has no meaning for SLIPWAY_EXECUTOR=process, which runs such steps on this machine',
    )
  }
  if (kind === 'kubernetes') {
    if (values.KUBERNETES_VOLUME_CLAIM === null) {
      problems.push('KUBERNETES_VOLUME_CLAIM: is needed by SLIPWAY_EXECUTOR=kubernetes')
    }
  } else if (kind !== undefined) {
    const given = onlyForKubernetes.filter((name) => (values[name] ?? null) !== null)
    problems.push(
      ...given.map((name) => `${name}: has no meaning without SLIPWAY_EXECUTOR=kubernetes`),
    )
  }
  return problems
}

export function toExecutor(
  values: ValuesOf<typeof executorSettings & typeof clusterSettings> & { SLIPWAY_DATA_DIR: string },
): ExecutorConfig {
  const { SLIPWAY_EXECUTOR: kind, KUBERNETES_VOLUME_CLAIM: volumeClaim } = values
  return {
    kind,
    stepImage: values.SLIPWAY_STEP_IMAGE,
    kubernetes:
      kind !== 'kubernetes' || volumeClaim === null
        ? null
        : {
            namespace: values.KUBERNETES_NAMESPACE,
            volumeClaim,
            volumePath: values.KUBERNETES_VOLUME_PATH ?? values.SLIPWAY_DATA_DIR,
            runAs: values.KUBERNETES_RUN_AS,
            startTimeoutMs: values.KUBERNETES_START_TIMEOUT,
            pullSecrets: values.KUBERNETES_IMAGE_PULL_SECRETS,
            nodeSelector: values.KUBERNETES_NODE_SELECTOR,
            runtimeClass: values.KUBERNETES_RUNTIME_CLASS,
          },
  }
}

import { containerName, describeHeldJob, describeJobSecret } from '../../../kubernetes/index.ts'
import type { CheckedSpec } from '../check-spec.ts'
import { defaultGraceMs } from '../end-execution.ts'
import type { PlacedFiles } from './place-files.ts'
import { stepScript } from './step-script.ts'

/** Where a command finds a home and a place for temporary files, which are the pod's own. */
export const inside = { home: '/tmp/home', temporary: '/tmp' } as const
/** Where its container finds what was taken of its output. */
export const flowDirectory = '/.slipway'
/** Seconds that a pod has to end when it is asked to, where nobody says otherwise. */
export const defaultGraceSeconds = defaultGraceMs / 1_000

/** How the pods of an installation are, whatever they run. */
export interface PodDefaults {
  claim: string
  /** That commands run as: whoever owns the workspaces. */
  user: { uid: number; gid: number }
  pullPolicy: 'IfNotPresent' | 'Never'
  /** Names of Secrets with logins of registries. */
  pullSecrets: readonly string[]
  /** Labels that a node must have. */
  nodeSelector: Readonly<Record<string, string>>
  /** Of a sandbox such as gVisor; null: that of the cluster. */
  runtimeClass: string | null
}

export interface JobInput {
  /** Of the Job and of its Secret. */
  name: string
  spec: CheckedSpec & { image: string }
  env: Readonly<Record<string, string>>
  files: PlacedFiles
  labels: Readonly<Record<string, string>>
  defaults: PodDefaults
  /** Bytes of output that may be untaken. */
  windowBytes: number
  /** Seconds after which the cluster ends it by itself, should nobody else be there. */
  deadlineSeconds: number
  /** Seconds for which the cluster keeps it after its end, should nobody remove it. */
  keepSeconds: number
}

/**
 * The Job of one execution, held back until its Secret is there. Its container has the image's files,
 * read-only, and the execution's directories at their own paths; no capability, no way to more rights, no
 * account of the cluster, and nothing of it starts again by itself.
 */
export function describeJob(input: JobInput): Record<string, unknown> {
  const { name, labels, defaults, spec } = input
  return describeHeldJob({
    name,
    labels,
    annotations: { 'slipway.dev/execution': spec.id },
    network: spec.network,
    deadlineSeconds: input.deadlineSeconds,
    keepSeconds: input.keepSeconds,
    graceSeconds: defaultGraceSeconds,
    isRoot: defaults.user.uid === 0,
    place: defaults,
    container: containerOf(input),
    volumes: volumesOf(input),
  })
}

/** What must not be read in the Job: its environment, and what it gets as files. */
export function describeSecret(
  { name, env, files, labels }: Pick<JobInput, 'name' | 'env' | 'files' | 'labels'>,
  job: { uid: string },
): Record<string, unknown> {
  const variables = Object.entries(env).map(
    ([key, value]) => [`env.${key}`, Buffer.from(value)] as const,
  )
  const copied = files.copies.flatMap((copy, index) =>
    copy.files.map(({ content }, at) => [`file.${index}.${at}`, content] as const),
  )
  return describeJobSecret({
    name,
    labels,
    job: { name, uid: job.uid },
    data: [...variables, ...copied],
  })
}

function containerOf(input: JobInput): Record<string, unknown> {
  const { name, spec, env, files, defaults } = input
  const { memoryBytes, cpus } = spec.limits
  const limits = {
    ...(memoryBytes === null ? {} : { memory: String(memoryBytes) }),
    ...(cpus === null ? {} : { cpu: `${Math.max(1, Math.round(cpus * 1_000))}m` }),
  }
  const argv = [`${flowDirectory}/taken`, String(input.windowBytes), ...spec.argv]
  return {
    name: containerName,
    image: spec.image,
    imagePullPolicy: defaults.pullPolicy,
    command: ['/bin/sh', '-c', literal(stepScript(env)), 'sh', ...argv.map(literal)],
    workingDir: spec.directory,
    env: Object.keys(env).map((key) => ({
      name: key,
      valueFrom: { secretKeyRef: { name, key: `env.${key}` } },
    })),
    ...(Object.keys(limits).length === 0 ? {} : { resources: { limits } }),
    securityContext: {
      runAsUser: defaults.user.uid,
      runAsGroup: defaults.user.gid,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      privileged: false,
      capabilities: { drop: ['ALL'] },
    },
    // The first process is a shell that waits: the others are told by this.
    lifecycle: { preStop: { exec: { command: ['/bin/sh', '-c', 'kill -TERM -1'] } } },
    volumeMounts: [
      ...files.mounts.map(({ path, subPath, readOnly }) => ({
        name: 'files',
        mountPath: path,
        ...(subPath === '' ? {} : { subPath }),
        readOnly,
      })),
      ...files.copies.map(({ path }, index) => ({
        name: `copy-${index}`,
        mountPath: path,
        readOnly: true,
      })),
      { name: 'temporary', mountPath: inside.temporary },
      { name: 'home', mountPath: inside.home },
    ],
  }
}

function volumesOf({ name, files, defaults }: JobInput): Record<string, unknown>[] {
  return [
    { name: 'files', persistentVolumeClaim: { claimName: defaults.claim } },
    ...files.copies.map((copy, index) => ({
      name: `copy-${index}`,
      secret: {
        secretName: name,
        // Only this container has it, and its user is not the owner.
        defaultMode: 0o444,
        items: copy.files.map((file, at) => ({ key: `file.${index}.${at}`, path: file.name })),
      },
    })),
    { name: 'temporary', emptyDir: {} },
    { name: 'home', emptyDir: {} },
  ]
}

/** A cluster replaces `$(NAME)` in commands; two dollars are one that is left alone. */
function literal(text: string): string {
  return text.replaceAll('$', '$$$$')
}

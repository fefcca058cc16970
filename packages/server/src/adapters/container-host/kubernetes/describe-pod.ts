import { containerName, describeHeldJob } from '../../../kubernetes/index.ts'
import type { PodSpec } from './check-spec.ts'
import { graceSeconds, jobScript } from './job-script.ts'

/** Label of jobs and pods alike: the name of the job, which is the container's. */
export const containerLabel = 'slipway.dev/container'
/** Whose containers they are: the id of a data directory. */
export const ownerLabel = 'slipway.dev/owner'
/** Annotations of a job. */
export const notes = {
  /** The labels that it was created with, as JSON: not each of them can be one of a cluster. */
  labels: 'slipway.dev/labels',
  /** Which request made it. */
  request: 'slipway.dev/request',
  network: 'slipway.dev/network',
  image: 'slipway.dev/image',
  startTimeoutMs: 'slipway.dev/start-timeout-ms',
} as const

/** What root in a container may do beyond any other user, to its own files and ids alone. */
const capabilities = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'SETGID', 'SETUID']
/** Seconds that the cluster gives a container beyond its limit before it ends it by itself. */
const slackSeconds = 600
/** Seconds for which a job that has ended is kept for a server that is away. */
const keepSeconds = 86_400
/** The longest deadline that is of any use; the API takes 32 bits. */
const longestSeconds = 2_147_483_647

export interface PodJob {
  name: string
  spec: PodSpec
  /** Which request makes it. */
  request: string
  owner: string
  pullPolicy: 'IfNotPresent' | 'Never'
}

/**
 * Names of the Secrets of a container: of what it was created with, and of what it is told at its start. They are
 * those of the request that made it: the cluster may still have Secrets of one before it that had its name.
 */
export function secretsOf(name: string, request: string): { early: string; late: string } {
  const own = `${name}-${request}`
  return { early: `${own}-early`, late: `${own}-late` }
}

/** Labels by which the cluster finds what belongs to a container. */
export function ownLabels(name: string, owner: string): Record<string, string> {
  return {
    'app.kubernetes.io/managed-by': 'slipway',
    [containerLabel]: name,
    [ownerLabel]: owner,
  }
}

/** Of these labels, those that a cluster takes as labels. */
export function fittingLabels(labels: Readonly<Record<string, string>>): Record<string, string> {
  const isName = /^([a-z0-9.-]{1,253}\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/
  const isValue = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/
  return Object.fromEntries(
    Object.entries(labels).filter(([name, value]) => isName.test(name) && isValue.test(value)),
  )
}

/**
 * The Job of one container, held back until it is started: its command has the image's files, which it may
 * write, its environment from two Secrets, no way to more rights, no account of the cluster, and nothing of it
 * starts again by itself.
 */
export function describePod(input: PodJob): Record<string, unknown> {
  const { name, spec, owner } = input
  const { pod } = spec
  return describeHeldJob({
    name,
    labels: { ...fittingLabels(spec.labels), ...ownLabels(name, owner) },
    annotations: {
      [notes.labels]: JSON.stringify(spec.labels),
      [notes.request]: input.request,
      [notes.network]: spec.network,
      [notes.image]: spec.image,
      [notes.startTimeoutMs]: String(pod.startTimeoutMs),
    },
    network: spec.network,
    deadlineSeconds: deadlineOf(pod.deadlineMs + pod.startTimeoutMs),
    keepSeconds,
    graceSeconds,
    isRoot: spec.identity?.uid === 0,
    place: pod,
    container: containerOf(input),
  })
}

function containerOf({ name, spec, request, pullPolicy }: PodJob): Record<string, unknown> {
  const { early, late } = secretsOf(name, request)
  const { identity } = spec
  const limits = limitsOf(spec)
  const isRoot = identity?.uid === 0
  return {
    name: containerName,
    image: spec.image,
    imagePullPolicy: pullPolicy,
    command: ['/bin/sh', '-c', jobScript(name, spec.env), 'sh', ...spec.argv].map(literal),
    ...(spec.workdir === null ? {} : { workingDir: spec.workdir }),
    // What is told at the start comes before what it was created with.
    envFrom: [{ secretRef: { name: early } }, { secretRef: { name: late } }],
    // Requests are the same where nothing else is said.
    ...(Object.keys(limits).length === 0 ? {} : { resources: { limits } }),
    securityContext: {
      ...(identity === null ? {} : { runAsUser: identity.uid }),
      ...(identity === null || identity.gid === null ? {} : { runAsGroup: identity.gid }),
      allowPrivilegeEscalation: false,
      privileged: false,
      capabilities: { drop: ['ALL'], ...(isRoot ? { add: capabilities } : {}) },
    },
    // The first process is a shell that waits: the others are told by this.
    lifecycle: { preStop: { exec: { command: ['/bin/sh', '-c', 'kill -TERM -1'] } } },
  }
}

function limitsOf({ limits }: PodSpec): Record<string, string> {
  const { memoryBytes, cpus, diskBytes } = limits
  return {
    ...(memoryBytes === null ? {} : { memory: String(memoryBytes) }),
    ...(cpus === null ? {} : { cpu: `${Math.max(1, Math.round(cpus * 1_000))}m` }),
    ...(diskBytes === null ? {} : { 'ephemeral-storage': String(diskBytes) }),
  }
}

function deadlineOf(ms: number): number {
  return Math.min(Math.ceil(ms / 1_000) + slackSeconds, longestSeconds)
}

/** A cluster replaces `$(NAME)` in commands; two dollars are one that is left alone. */
function literal(text: string): string {
  return text.replaceAll('$', '$$$$')
}

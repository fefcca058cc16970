import type { JobContainerRequest } from '@slipway/contract/delegations'
import type { ContainerLimits, ContainerSpec } from '../ports/container-host.ts'
import type { DelegationRow } from './delegation-rows.ts'
import { parseOptions } from './parse-options.ts'
import type { RunnerClass } from './runner-class.ts'

/** What a delegation's container is, as its class was when it was assigned. Kept in its row. */
export interface RunDefinition extends Omit<ContainerSpec, 'labels'> {
  /** Milliseconds from the start of the container until it is stopped. */
  timeoutMs: number
  /** Its name in GitHub's list and in ours. */
  runnerName: string
  runnerLabels: readonly string[]
  /** Host directories below which `mounts` must be. */
  mountable: readonly string[]
  /** Images that its hooks may ask for beside that of the class. */
  images: readonly string[]
  /** Of the class. */
  classImage: string
  /** It runs GitHub's runner, which needs a configuration. */
  needsConfiguration: boolean
}

/** What `definition` of a delegation's row holds. */
export interface Definition {
  /** What a proxy's hooks asked for. */
  container: JobContainerRequest | null
  /** Null before it is assigned. */
  run: RunDefinition | null
}

/** Where the image of GitHub's runner has it. */
const githubRunner = ['/home/runner/run.sh'] as const

type Job = Pick<
  DelegationRow,
  | 'id'
  | 'source'
  | 'repository'
  | 'github_run_id'
  | 'run_attempt'
  | 'workflow'
  | 'job_ref'
  | 'job_name'
  | 'sha'
  | 'ref'
  | 'event_name'
  | 'actor'
>

/**
 * What a class has a job run: for a proxy's hooks a container that idles; else the class's command, which
 * learns of its job by variables, or GitHub's runner, which asks GitHub itself.
 */
export function defineRun(
  runnerClass: RunnerClass,
  job: Job,
  container: JobContainerRequest | null,
): RunDefinition {
  const { timeoutMs, ...limits } = runnerClass.limits
  const runnerName = nameRunner(runnerClass.name, job.id)
  const common = {
    image: runnerClass.image,
    workdir: null,
    user: null,
    mounts: [],
    network: runnerClass.network,
    limits,
    timeoutMs,
    runnerName,
    runnerLabels: runnerClass.labels,
    mountable: runnerClass.mounts,
    images: runnerClass.images,
    classImage: runnerClass.image,
    ...definePod(runnerClass),
  }
  if (container !== null) {
    const { options } = parseOptions(container.options ?? '', 'job')
    return {
      ...common,
      image: container.image ?? runnerClass.image,
      command: null,
      env: { ...runnerClass.env, ...container.env },
      workdir: container.workdir ?? options.workdir,
      user: container.user ?? options.user,
      limits: tighten(limits, options),
      mounts: (container.mounts ?? []).map(({ source, target, readOnly = false }) => ({
        source,
        target,
        readOnly,
      })),
      idle: true,
      needsConfiguration: false,
    }
  }
  const { command, env } = runnerClass
  const needsConfiguration = job.source === 'queue' || command === null
  return {
    ...common,
    command: command ?? githubRunner,
    env: needsConfiguration ? env : { ...env, ...githubVariables(job), RUNNER_NAME: runnerName },
    idle: false,
    needsConfiguration,
  }
}

/** The limits of a class, as far as options do not ask for less. */
export function tighten(
  limits: ContainerLimits,
  asked: Pick<ContainerLimits, 'cpus' | 'memoryBytes' | 'pids'>,
): ContainerLimits {
  const least = (a: number | null, b: number | null) =>
    a === null || b === null ? (a ?? b) : Math.min(a, b)
  return {
    ...limits,
    cpus: least(limits.cpus, asked.cpus),
    memoryBytes: least(limits.memoryBytes, asked.memoryBytes),
    pids: least(limits.pids, asked.pids),
  }
}

/** What containers of a class are before it is known what for, so that they can be created ahead. */
export function defineWarm(runnerClass: RunnerClass): Omit<ContainerSpec, 'labels'> {
  const { timeoutMs: _, ...limits } = runnerClass.limits
  return {
    image: runnerClass.image,
    command: runnerClass.command ?? githubRunner,
    env: runnerClass.env,
    workdir: null,
    user: null,
    mounts: [],
    network: runnerClass.network,
    idle: false,
    limits,
    ...definePod(runnerClass),
  }
}

function definePod({ pods, limits }: RunnerClass): Pick<ContainerSpec, 'pod'> {
  return pods === null ? {} : { pod: { ...pods, deadlineMs: limits.timeoutMs } }
}

/** What GitHub's runner would tell a command of its job, as far as it is known. */
export function githubVariables(job: Job): Record<string, string> {
  const { ref } = job
  const [owner = ''] = job.repository.split('/')
  const known: Record<string, string | null> = {
    CI: 'true',
    GITHUB_REPOSITORY: job.repository,
    GITHUB_REPOSITORY_OWNER: owner,
    GITHUB_RUN_ID: job.github_run_id,
    GITHUB_RUN_ATTEMPT: String(job.run_attempt),
    GITHUB_WORKFLOW: job.workflow,
    GITHUB_JOB: job.job_name ?? job.job_ref,
    GITHUB_SHA: job.sha,
    GITHUB_REF: ref,
    GITHUB_REF_NAME: ref?.replace(/^refs\/(?:heads|tags|pull)\//, '') ?? null,
    GITHUB_REF_TYPE: ref === null ? null : ref.startsWith('refs/tags/') ? 'tag' : 'branch',
    GITHUB_EVENT_NAME: job.event_name,
    GITHUB_ACTOR: job.actor,
    SLIPWAY_DELEGATION_ID: job.id,
  }
  return Object.fromEntries(
    Object.entries(known).filter((entry): entry is [string, string] => entry[1] !== null),
  )
}

/** At most 64 characters, as GitHub takes it; the same for every attempt at a delegation. */
export function nameRunner(className: string, delegationId: string): string {
  return `slipway-${className.slice(0, 40)}-${delegationId.replaceAll('-', '').slice(-12)}`
}

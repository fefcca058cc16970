import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { AppError } from '../../../errors.ts'
import {
  awaitStart,
  type JobTracker,
  type Kubernetes,
  removeJob,
} from '../../../kubernetes/index.ts'
import type { Execution, ExecutionSpec, OutputSink } from '../../../ports/executor.ts'
import { checkSpec, type CheckedSpec } from '../check-spec.ts'
import { flowDirectory, inside, type JobInput, type PodDefaults } from './describe-job.ts'
import { openFlowFile, windowBytes } from './flow-file.ts'
import { placeFiles, type SharedVolume } from './place-files.ts'
import { runExecution } from './run-execution.ts'
import { createStepJob } from './create-step-job.ts'

/** Label of jobs and pods alike: the name of the job. */
export const stepLabel = 'slipway.dev/step'

/** What an open executor has, and every execution shares. */
export interface ExecutorHost {
  kubernetes: Kubernetes
  tracker: JobTracker
  checkNetwork(signal: AbortSignal): Promise<void>
  log: Logger
  /** What no command may see; on the volume. */
  stateDir: string
  volume: SharedVolume
  defaults: PodDefaults
  /** Of its jobs. */
  labels: Readonly<Record<string, string>>
  /** Milliseconds that a pod has to start, its node and its image included. */
  startTimeoutMs: number
  signal: AbortSignal
  /** Takes work that nobody waits for, except `close`. */
  inBackground(what: string, work: Promise<unknown>): void
}

/** Milliseconds for removing a job. */
const removeMs = 150_000
/** Seconds that the cluster gives a step beyond its own limits before it ends it by itself. */
const slackSeconds = 120
/** Seconds for which a job that has ended is kept for a server that is away. */
const keepSeconds = 3_600
/** The longest deadline that is of any use; the API takes 32 bits. */
const longestSeconds = 2_147_483_647

export async function startExecution(
  host: ExecutorHost,
  given: ExecutionSpec,
  sink: OutputSink,
  /** Of whoever wants it: a node, or an image, is not waited for without them. */
  wanted: AbortSignal,
): Promise<Execution> {
  const { kubernetes, volume, signal } = host
  const { image } = given
  if (image === null) {
    throw new AppError(
      'invalid_request',
      'The kubernetes executor needs an image to run a command in',
    )
  }
  const spec = { ...(await checkSpec(given, host.stateDir)), image }
  const env = environmentOf(spec)
  const name = `step-${randomUUID()}`
  if (spec.network === 'none') await host.checkNetwork(wanted)
  const flow = await openFlowFile(join(host.stateDir, 'flow'), name)
  const forget = () => host.inBackground('a flow file', flow.close())
  const remove = () =>
    host.inBackground('a job', removeJob(kubernetes, name, AbortSignal.timeout(removeMs)))
  let wasAsked = false
  try {
    const input: JobInput = {
      name,
      spec,
      env,
      files: await placeFiles(spec, volume, [{ path: flow.directory, at: flowDirectory }]),
      labels: { ...host.labels, [stepLabel]: name },
      defaults: host.defaults,
      windowBytes,
      deadlineSeconds: deadlineOf(spec.limits.timeoutMs + host.startTimeoutMs),
      keepSeconds,
    }
    const either = AbortSignal.any([wanted, signal])
    wasAsked = true
    await createStepJob(kubernetes, input, either)
    const what = `A step of ${image}`
    const pod = await awaitStart(host, { name, what, timeoutMs: host.startTimeoutMs }, either)
    const execution = runExecution(host, { spec, name, pod, sink, flow })
    void execution.done.then(remove).then(forget)
    return execution
  } catch (error) {
    if (wasAsked) remove()
    forget()
    throw error
  }
}

function deadlineOf(ms: number): number {
  return Math.min(Math.ceil(ms / 1_000) + slackSeconds, longestSeconds)
}

/** All that is said, and the few that nothing works without; PATH is the image's own. */
function environmentOf({ env, cache }: CheckedSpec): Record<string, string> {
  const odd = Object.keys(env).filter((name) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
  if (odd.length > 0) {
    const names = odd.map((name) => JSON.stringify(name)).join(', ')
    throw new AppError(
      'invalid_request',
      `The environment variable ${names} cannot be passed on: a name is letters, digits and _`,
    )
  }
  return {
    HOME: inside.home,
    LANG: 'C.UTF-8',
    TMPDIR: inside.temporary,
    ...env,
    ...(cache === null ? {} : { SLIPWAY_CACHE: cache }),
  }
}

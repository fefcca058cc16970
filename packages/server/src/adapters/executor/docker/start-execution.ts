import type { Logger } from 'pino'
import { AppError } from '../../../errors.ts'
import {
  type Docker,
  DockerRefusal,
  encodeLateEnvironment,
  explainRefusal,
  type ImagePuller,
  isMissing,
  postJson,
  removeContainer,
} from '../../../docker/index.ts'
import type { Execution, ExecutionSpec, OutputSink } from '../../../ports/executor.ts'
import { checkSpec, type CheckedSpec } from '../check-spec.ts'
import { describeExecution, inside } from './describe-execution.ts'
import { runExecution } from './run-execution.ts'

/** What an open executor has, and every execution shares. */
export interface ExecutorHost {
  docker: Docker
  images: ImagePuller
  log: Logger
  /** What no command may see. */
  stateDir: string
  /** `uid:gid` that commands run as. */
  user: string
  /** Of its containers. */
  labels: Readonly<Record<string, string>>
  signal: AbortSignal
  /** Takes work that nobody waits for, except `close`. */
  inBackground(what: string, work: Promise<unknown>): void
}

/** Milliseconds for removing a container. */
const removeMs = 60_000
const answerMs = 120_000

export async function startExecution(
  host: ExecutorHost,
  given: ExecutionSpec,
  sink: OutputSink,
  /** Of whoever wants it: a pull is not waited for without them. */
  wanted: AbortSignal,
): Promise<Execution> {
  const { docker, signal } = host
  const { image } = given
  if (image === null) {
    throw new AppError('invalid_request', 'The docker executor needs an image to run a command in')
  }
  const spec = { ...(await checkSpec(given, host.stateDir)), image }
  const environment = encodeLateEnvironment(environmentOf(spec))
  const id = await create(host, spec, wanted)
  const remove = () =>
    host.inBackground('a container', removeContainer(docker, id, AbortSignal.timeout(removeMs)))
  try {
    const attached = await docker.upgrade(
      {
        method: 'POST',
        path: `/containers/${id}/attach`,
        query: { stream: '1', stdin: '1', stdout: '1', stderr: '1' },
        protocol: 'tcp',
        answerMs,
      },
      signal,
    )
    attached.on('error', () => {})
    try {
      await docker.json({ method: 'POST', path: `/containers/${id}/start`, answerMs }, signal)
    } catch (error) {
      attached.destroy()
      throw error
    }
    attached.end(environment)
    const execution = runExecution(host, { spec, id, attached, sink })
    void execution.done.then(remove)
    return execution
  } catch (error) {
    remove()
    throw explainRefusal(error, `The container of ${image} cannot be started`)
  }
}

/** All that is said, and the few that nothing works without; PATH is the image's own. */
function environmentOf({ env, cache }: CheckedSpec): Record<string, string> {
  return {
    HOME: inside.home,
    LANG: 'C.UTF-8',
    TMPDIR: inside.temporary,
    ...env,
    ...(cache === null ? {} : { SLIPWAY_CACHE: cache }),
  }
}

async function create(
  { docker, images, user, labels, signal }: ExecutorHost,
  spec: CheckedSpec & { image: string },
  wanted: AbortSignal,
): Promise<string> {
  const body = describeExecution(spec, { user, labels })
  const once = () => postJson<{ Id: string }>(docker, '/containers/create', body, signal)
  try {
    return (await once()).Id
  } catch (error) {
    if (!isMissing(error)) throw explainCreate(error, spec.image)
  }
  await images.pull(spec.image, wanted)
  try {
    return (await once()).Id
  } catch (error) {
    throw explainCreate(error, spec.image)
  }
}

/** An engine elsewhere does not have our directories. */
function explainCreate(error: unknown, image: string): unknown {
  if (error instanceof DockerRefusal && /bind source path does not exist/.test(error.message)) {
    return new AppError(
      'unavailable',
      'The Docker engine does not see the directories of this server: steps with an image need an engine on the same machine',
    )
  }
  return explainRefusal(error, `A container of ${image} cannot be made`)
}

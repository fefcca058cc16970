import { getegid, geteuid } from 'node:process'
import type { Logger } from 'pino'
import {
  checkEngine,
  connectDocker,
  createImagePuller,
  type Docker,
  type DockerOptions,
  isAway,
  refusalAsAway,
  removeContainer,
} from '../../../docker/index.ts'
import type { Executor } from '../../../ports/executor.ts'
import { createLiveExecutor } from '../live-executor.ts'
import { type ExecutorHost, startExecution } from './start-execution.ts'

export interface DockerExecutorOptions extends DockerOptions {
  /** Absolute directory of the executor's own, made if absent; one live executor at a time. */
  stateDir: string
  /** Whether images that the engine does not have are pulled, and within how many milliseconds. */
  pull: { policy: 'missing' | 'never'; timeoutMs: number }
  log: Logger
}

/** Whose containers are: an id that the state directory holds. */
const ownerLabel = 'io.slipway.executor'
/** Milliseconds for ending what a dead server left. */
const leftoverMs = 60_000

/**
 * Commands in containers of a Docker engine on this machine. The engine may be away when it opens: what a
 * dead server left there is ended before the first command starts.
 */
export function createDockerExecutor(options: DockerExecutorOptions): Executor {
  const { stateDir, log } = options
  const docker = connectDocker(options)
  const images = createImagePuller(docker, options.pull)
  return createLiveExecutor<ExecutorHost>({
    name: 'docker',
    stateDir,
    log,
    isolation: `containers of the Docker engine at ${docker.address}, without capabilities; memory, pids and cpu limited by it`,
    open: async ({ owner, ...life }) => ({
      ...life,
      docker,
      images,
      log,
      user: `${geteuid?.() ?? 0}:${getegid?.() ?? 0}`,
      labels: { [ownerLabel]: owner },
    }),
    endLeftovers: ({ labels }) => endLeftovers(docker, labels, log),
    leftoversFailed(error) {
      if (!isAway(error)) throw error
      log.debug({ err: error }, 'there is no container engine now')
    },
    check: () => checkEngine(docker),
    start: startExecution,
  })
}

async function endLeftovers(
  docker: Docker,
  labels: Readonly<Record<string, string>>,
  log: Logger,
): Promise<void> {
  const signal = AbortSignal.timeout(leftoverMs)
  const label = Object.entries(labels).map(([name, value]) => `${name}=${value}`)
  const query = { all: '1', filters: JSON.stringify({ label }) }
  const left = await docker
    .json<{ Id: string }[]>({ method: 'GET', path: '/containers/json', query }, signal)
    .catch((error: unknown) => {
      throw refusalAsAway(docker, error)
    })
  await Promise.all(left.map(({ Id }) => removeContainer(docker, Id, signal)))
  if (left.length > 0) {
    log.warn({ containers: left.length }, 'ended what an earlier server left running')
  }
}

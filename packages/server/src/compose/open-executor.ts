import { join } from 'node:path'
import type { Logger } from 'pino'
import { createExecutorByImage } from '../adapters/executor/choose-by-image.ts'
import { createDockerExecutor } from '../adapters/executor/docker/create-docker-executor.ts'
import { createProcessExecutor } from '../adapters/executor/process/create-process-executor.ts'
import type { Config } from '../config/read-config.ts'
import type { DockerOptions } from '../docker/index.ts'
import type { Executor } from '../ports/executor.ts'
import type { Resources } from '../resources.ts'

/**
 * What runs steps: processes of this machine, and containers for those with an image. What a dead
 * predecessor left running has ended before any of its jobs is given out again.
 */
export async function openExecutor(
  config: Config,
  log: Logger,
  docker: DockerOptions,
  resources: Resources,
  /** Wraps each, so that it is counted. Default: none is. */
  measured: (executor: Executor) => Executor = (executor) => executor,
): Promise<Executor> {
  const executor = createExecutorByImage({
    process: measured(
      createProcessExecutor({
        stateDir: join(config.dataDir, 'executor'),
        hide: [config.dataDir],
        allowUnisolated: config.steps.allowUnisolated,
        log,
      }),
    ),
    containers: measured(
      createDockerExecutor({
        ...docker,
        stateDir: join(config.dataDir, 'executor-docker'),
        pull: config.images.pull,
        log,
      }),
    ),
  })
  await executor.open()
  return resources.add('executor', executor, (opened) => opened.close())
}

import { join } from 'node:path'
import { getegid, geteuid } from 'node:process'
import type { Logger } from 'pino'
import { createExecutorByImage } from '../adapters/executor/choose-by-image.ts'
import { createDockerExecutor } from '../adapters/executor/docker/create-docker-executor.ts'
import { createKubernetesExecutor } from '../adapters/executor/kubernetes/create-kubernetes-executor.ts'
import { createProcessExecutor } from '../adapters/executor/process/create-process-executor.ts'
import { withDefaultImage } from '../adapters/executor/with-default-image.ts'
import type { KubernetesConfig } from '../config/executor-settings.ts'
import type { Config } from '../config/read-config.ts'
import type { DockerOptions } from '../docker/index.ts'
import { StartupError } from '../errors.ts'
import type { Executor } from '../ports/executor.ts'
import type { Resources } from '../resources.ts'
import { openCluster } from './open-cluster.ts'

/**
 * What runs steps, as the settings say it. What a dead predecessor left running has ended before any of its
 * jobs is given out again.
 */
export async function openExecutor(
  config: Config,
  log: Logger,
  docker: DockerOptions,
  resources: Resources,
  /** Wraps each, so that it is counted. Default: none is. */
  measured: (executor: Executor) => Executor = (executor) => executor,
): Promise<Executor> {
  const { kind, stepImage, kubernetes } = config.executor
  const inContainers = () =>
    createDockerExecutor({
      ...docker,
      stateDir: join(config.dataDir, 'executor-docker'),
      pull: config.images.pull,
      log,
    })
  const executor =
    kubernetes !== null
      ? withDefaultImage(measured(await inCluster(config, kubernetes, log, resources)), stepImage)
      : kind === 'docker'
        ? withDefaultImage(measured(inContainers()), stepImage)
        : createExecutorByImage({
            process: measured(
              createProcessExecutor({
                stateDir: join(config.dataDir, 'executor'),
                hide: [config.dataDir],
                allowUnisolated: config.steps.allowUnisolated,
                log,
              }),
            ),
            containers: measured(inContainers()),
          })
  await executor.open()
  return resources.add('executor', executor, (opened) => opened.close())
}

/** @throws StartupError where steps would run as root without anybody's having said so */
async function inCluster(
  config: Config,
  settings: KubernetesConfig,
  log: Logger,
  resources: Resources,
): Promise<Executor> {
  const own = { uid: geteuid?.() ?? 0, gid: getegid?.() ?? 0 }
  if (settings.runAs === null && own.uid === 0) {
    throw new StartupError(
      'KUBERNETES_RUN_AS: this server runs as root, and steps would as well: run it as somebody else, or say whom steps run as',
    )
  }
  const { namespace } = settings
  const why = 'SLIPWAY_EXECUTOR=kubernetes'
  return createKubernetesExecutor({
    kubernetes: await openCluster(config, { namespace, why }, resources),
    stateDir: join(config.dataDir, 'executor-kubernetes'),
    volume: { claim: settings.volumeClaim, path: settings.volumePath },
    pods: {
      user: settings.runAs ?? own,
      pullPolicy: config.images.pull.policy === 'never' ? 'Never' : 'IfNotPresent',
      pullSecrets: settings.pullSecrets,
      nodeSelector: settings.nodeSelector,
      runtimeClass: settings.runtimeClass,
    },
    startTimeoutMs: settings.startTimeoutMs,
    log,
  })
}

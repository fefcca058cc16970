import type { PreparedJobContainer } from '@slipway/contract/runner-hooks'
import { AppError } from '../../errors.ts'
import { tighten } from '../define-run.ts'
import { bringImage, requireAllowed } from './bring-image.ts'
import { commandOf } from './command-of.ts'
import type { HookDeps, HookListener } from './deps.ts'
import type { RunningJob } from './find-hooked.ts'
import { labelsOf, withFrozenMounts } from './freeze.ts'
import type { PlannedService } from './plan-services.ts'
import { waitUntilHealthy } from './wait-until-healthy.ts'

type StartedService = PreparedJobContainer['services'][number]

/**
 * Starts services in the network of a job, one after the other, and resolves when all are well. Rejects as
 * the first that is not; those that were started stay until the job is removed.
 */
export async function startServices(
  deps: Pick<HookDeps, 'host' | 'owner' | 'log' | 'inTurn'>,
  input: {
    job: RunningJob
    network: string
    services: readonly PlannedService[]
    listener: HookListener
  },
  signal: AbortSignal,
): Promise<StartedService[]> {
  const { job, network, services, listener } = input
  if (services.length > 0) requireOwnNetwork(job)
  for (const { request } of services) requireAllowed(job.run, request.image)
  const started: { id: string; service: PlannedService }[] = []
  for (const service of services) {
    const id = await startService(deps, { job, network, service, listener }, signal)
    started.push({ id, service })
  }
  const failed = new AbortController()
  const until = AbortSignal.any([signal, failed.signal])
  try {
    await Promise.all(
      started.map(({ id, service }) =>
        waitUntilHealthy(deps, { id, service, containerOfJob: job.containerId, listener }, until),
      ),
    )
  } finally {
    failed.abort()
  }
  return started.map(({ id, service }) => ({ id, network, ports: service.ports }))
}

async function startService(
  deps: Pick<HookDeps, 'host' | 'owner' | 'log' | 'inTurn'>,
  input: { job: RunningJob; network: string; service: PlannedService; listener: HookListener },
  signal: AbortSignal,
): Promise<string> {
  const { job, network, service, listener } = input
  const { request, options } = service
  const { image, env = {}, registry } = request
  if (registry !== undefined) await bringImage(deps, { image, registry, listener }, signal)
  await listener.say(`Starting ${request.names[0]}: ${image}`)
  const argv = await commandOf(deps, { image, asked: request }, signal)
  const { mounts = [] } = request
  return withFrozenMounts(
    deps,
    { job, mounts },
    async (resolved) => {
      const id = await deps.host.create(
        {
          image,
          command: argv,
          env: {},
          labels: labelsOf(deps, job),
          workdir: options.workdir,
          user: options.user,
          mounts: resolved,
          network,
          aliases: [...new Set([...request.names, ...options.aliases])],
          idle: false,
          limits: tighten(job.run.limits, options),
        },
        signal,
      )
      await deps.host.start(id, { env }, signal)
      return id
    },
    signal,
  )
}

/** In a network that others are in, a service of one job would answer another's. */
function requireOwnNetwork({ run }: RunningJob): void {
  if (run.network === 'bridge' || run.network === 'internal') return
  throw new AppError(
    'invalid_request',
    `Jobs of this runner class have no services: its network is ${run.network}, not bridge or internal`,
  )
}

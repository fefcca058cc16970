import type { PreparedJobContainer, ServiceContainerRequest } from '@slipway/contract/runner-hooks'
import { AppError } from '../../errors.ts'
import { tighten } from '../define-run.ts'
import { type CreateOptions, hostName, parseOptions } from '../parse-options.ts'
import { bringImage, requireAllowed } from './bring-image.ts'
import { commandOf } from './command-of.ts'
import type { HookDeps, HookListener } from './deps.ts'
import type { RunningJob } from './find-hooked.ts'
import { labelsOf, withFrozenMounts } from './freeze.ts'
import { waitUntilHealthy } from './wait-until-healthy.ts'

type StartedService = PreparedJobContainer['services'][number]

/** A service whose request is in order. */
export interface PlannedService {
  request: ServiceContainerRequest
  options: CreateOptions
  ports: Record<string, string>
}

/** Reads what services are to be; an `invalid_request` names every problem. */
export function planServices(requests: readonly ServiceContainerRequest[]): PlannedService[] {
  const problems: { path: string; message: string }[] = []
  const planned = requests.map((request, index) => {
    const path = `/services/${index}`
    const parsed = parseOptions(request.options ?? '', 'service')
    for (const message of parsed.problems) problems.push({ path: `${path}/options`, message })
    for (const name of request.names) {
      if (!hostName.test(name)) {
        problems.push({ path: `${path}/names`, message: `${JSON.stringify(name)} is no host name` })
      }
    }
    const ports = (request.ports ?? []).map((port) => {
      const match = /^(?:(?:[\d.]+:)?\d{0,5}:)?(\d{1,5})(?:\/(?:tcp|udp))?$/.exec(port)
      if (match === null) problems.push({ path: `${path}/ports`, message: `${port} is no port` })
      return match?.[1] ?? ''
    })
    return {
      request,
      options: parsed.options,
      ports: Object.fromEntries(ports.map((port) => [port, port])),
    }
  })
  const [first] = problems
  if (first === undefined) return planned
  throw new AppError('invalid_request', `The body is not valid: ${first.path} ${first.message}`, {
    problems,
  })
}

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

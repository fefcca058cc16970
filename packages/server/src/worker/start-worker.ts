import { mkdir, rm } from 'node:fs/promises'
import type { JobBus, JobHandler, JobSubscription } from '../ports/job-bus.ts'
import type { WorkerDeps } from './deps.ts'
import { runDiscovery } from './run-discovery.ts'
import { runTask } from './run-task.ts'

/** Job types a worker can do, and by what. */
const handlers: Readonly<
  Record<string, (deps: WorkerDeps, ...args: Parameters<JobHandler>) => ReturnType<JobHandler>>
> = {
  discovery: runDiscovery,
  task: runTask,
}

/** What every worker can do. */
export const workerTypes: readonly string[] = Object.keys(handlers)

/** Takes jobs until the subscription is drained or closed. Workspaces of a dead predecessor are removed first. */
export async function startWorker(
  deps: WorkerDeps & { bus: JobBus },
  input: { types: readonly string[]; capacity: number },
): Promise<JobSubscription> {
  await rm(deps.workDirectory, { recursive: true, force: true, maxRetries: 3 })
  await mkdir(deps.workDirectory, { recursive: true, mode: 0o700 })
  await mkdir(deps.cacheDirectory, { recursive: true, mode: 0o700 })
  return deps.bus.subscribe({
    workerId: deps.workerId,
    types: input.types,
    capacity: input.capacity,
    handle: (job, signal) => {
      const handler = handlers[job.type]
      if (handler === undefined)
        return Promise.reject(new Error(`no handler for jobs of type ${job.type}`))
      return handler(deps, job, signal)
    },
  })
}

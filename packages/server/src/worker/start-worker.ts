import { mkdir, readdir, rename } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { hasCode } from '../directories.ts'
import type { JobBus, JobHandler, JobSubscription } from '../ports/job-bus.ts'
import type { WorkerDeps } from './deps.ts'
import { runArtifact } from './run-artifact.ts'
import { runDeployment } from './run-deployment.ts'
import { runDiscovery } from './run-discovery.ts'
import { runRelease } from './run-release.ts'
import { runTask } from './run-task.ts'
import { removeWorkspace } from './workspace.ts'

/** Job types a worker can do, and by what. */
const handlers: Readonly<
  Record<string, (deps: WorkerDeps, ...args: Parameters<JobHandler>) => ReturnType<JobHandler>>
> = {
  deployment: runDeployment,
  discovery: runDiscovery,
  task: runTask,
  artifact: runArtifact,
  release: runRelease,
}

/** What every worker can do. */
export const workerTypes: readonly string[] = Object.keys(handlers)

/**
 * Takes jobs until the subscription is drained or closed; null where there are no types. Workspaces of a
 * dead predecessor are removed first in either case.
 */
export async function startWorker(
  deps: WorkerDeps & { bus: JobBus },
  input: { types: readonly string[]; capacity: number },
): Promise<JobSubscription | null> {
  await removeLeftovers(deps)
  await mkdir(deps.workDirectory, { recursive: true, mode: 0o700 })
  await mkdir(deps.cacheDirectory, { recursive: true, mode: 0o700 })
  if (input.types.length === 0) return null
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

/** Moved out of the way at once, removed in the background: a large tree must not hold the start up. */
async function removeLeftovers({ workDirectory, log }: WorkerDeps): Promise<void> {
  const parent = dirname(workDirectory)
  await mkdir(parent, { recursive: true })
  const leftover = (name: string) => name.startsWith(`${basename(workDirectory)}.left-`)
  await rename(workDirectory, `${workDirectory}.left-${Date.now()}`).catch((error: unknown) => {
    if (!hasCode(error, 'ENOENT')) throw error
  })
  for (const name of (await readdir(parent)).filter(leftover)) {
    removeWorkspace(join(parent, name)).catch((error: unknown) =>
      log.warn({ err: error, name }, 'old workspaces could not be removed'),
    )
  }
}

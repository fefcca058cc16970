import { mkdir } from 'node:fs/promises'
import type { JobBus, JobSubscription } from '../ports/job-bus.ts'
import type { BuildWorkDeps } from './build/deps.ts'
import { runBuild } from './run-build.ts'

/** Job types that are done here. */
export const buildTypes: readonly string[] = ['build']

/**
 * Takes builds until the subscription is drained or closed, beside what `startWorker` takes: neither waits
 * for the other. Begins behind that, which removes what a dead predecessor has left in the work directory.
 */
export async function startBuilds(
  deps: BuildWorkDeps & { bus: JobBus },
  input: { capacity: number },
): Promise<JobSubscription> {
  await mkdir(deps.workDirectory, { recursive: true, mode: 0o700 })
  return deps.bus.subscribe({
    workerId: deps.workerId,
    types: buildTypes,
    capacity: input.capacity,
    handle: (job, signal) => runBuild(deps, job, signal),
  })
}

import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Config } from '../config/read-config.ts'
import type { JobBus, JobSubscription } from '../ports/job-bus.ts'
import type { Resources } from '../resources.ts'
import { type BuildWorkDeps, hasGitLfs, keepImagesTidy, startBuilds } from '../worker/index.ts'

/** What is opened elsewhere of all that builds need. */
export type OpenedForBuilds = Pick<
  BuildWorkDeps,
  'builds' | 'objects' | 'images' | 'buildNetwork' | 'openPushed'
>

/** The builds of this process's worker. */
export async function startBuildWork(
  config: Config,
  log: Logger,
  deps: OpenedForBuilds &
    Pick<BuildWorkDeps, 'logs' | 'mirrors' | 'workerId' | 'workDirectory'> & { bus: JobBus },
  resources: Resources,
): Promise<JobSubscription> {
  const subscription = await startBuilds(
    {
      ...deps,
      log,
      accessDirectory: join(config.dataDir, 'git-access'),
      gitLfs: hasGitLfs,
      timeouts: config.buildTimeouts,
    },
    { capacity: config.builds.capacity },
  )
  const tidy = keepImagesTidy({ ...deps, log })
  resources.add('images of builds', tidy, (kept) => kept.close())
  return resources.add('builds', subscription, (started) => started.close())
}

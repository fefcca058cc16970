import type { Log } from '../db/log.ts'
import {
  type BuildControl,
  type BuildsDeps,
  createBuildControl,
  startBuildDuties,
} from '../builds/index.ts'
import type { Config } from '../config/read-config.ts'
import type { KeptTimes } from '../retention/index.ts'
import type { Resources } from '../resources.ts'
import type { RunsDeps } from '../runs/index.ts'

/** The branch of the official repository that is built where a build names none. */
export const officialBranch = 'main'

/** Builds: what the API does with them, what their workers are given, and what is done about them unasked. */
export function openBuilds(
  config: Config,
  log: Log,
  opened: Pick<
    BuildsDeps,
    'feed' | 'logs' | 'objects' | 'repositories' | 'openRegistryLogin' | 'images'
  > & {
    unitOfWork: RunsDeps
    holder: string
    retention: KeptTimes
    /** Of the data directory. */
    home: string
  },
  resources: Resources,
): { builds: BuildsDeps; buildControl: BuildControl } {
  const { unitOfWork, holder, home, retention, ...rest } = opened
  const builds: BuildsDeps = {
    ...unitOfWork,
    ...rest,
    log,
    official: { url: config.builds.officialRepositoryUrl, branch: officialBranch },
    limits: config.buildTimeouts,
  }
  const duties = startBuildDuties({ ...builds, holder }, { home, retention })
  resources.add('build duties', duties, (started) => started.close())
  return { builds, buildControl: createBuildControl(builds) }
}

// The room of builds: custom packages and images from Git repositories.
export { type BuildLog, buildLogKey, openBuildLog } from './build-log.ts'
export { createBuildControl } from './build-control.ts'
export { type BuildWithoutLog, findBuild } from './build-rows.ts'
export { hasEnded } from './build-states.ts'
export {
  type BuildAttempt,
  type BuildControl,
  type BuildResult,
  imageJobLabel,
  type ProducedOutput,
} from './build-work.ts'
export { cancelBuild } from './cancel-build.ts'
export { cleanUpOutputs } from './clean-up.ts'
export { createBuild } from './create-build.ts'
export type { BuildsDeps } from './deps.ts'
export { countDownload, type Download, fileIsGone, findDownload, listOutputs } from './downloads.ts'
export { executeBuild } from './execute-build.ts'
export { findBuildLogJob, readsAsset } from './find-log-job.ts'
export { findBuildState } from './find-build-state.ts'
export { getBuild } from './get-build.ts'
export { buildJobOwners } from './job-owner.ts'
export type { BuildProblem } from './judge-request.ts'
export { listBuilds } from './list-builds.ts'
export { readLogLines } from './read-log-lines.ts'
export { retryBuild } from './retry-build.ts'
export { countOldBuilds } from './prune-builds.ts'
export { startBuildDuties } from './start-build-duties.ts'
export { readRepositoryUsage, readStatistics } from './statistics.ts'
export { attemptTimeoutMs, type StepLimits } from './step-limits.ts'
export { outputPrefix } from './sweep-attempts.ts'
export { waitForBuild } from './wait-for-build.ts'

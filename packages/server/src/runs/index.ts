export { type Attempt, beginAttempt } from './begin-attempt.ts'
export { cancelRun } from './cancel-run.ts'
export { completeDiscovery, type Discovery } from './complete-discovery.ts'
export type { RunsDeps } from './deps.ts'
export { runJobOwners } from './job-owners.ts'
export { findStepLog, type StepLog } from './find-step-log.ts'
export { getRun } from './get-run.ts'
export { listRuns } from './list-runs.ts'
export {
  reportStepStatus,
  reportTaskStatus,
  reportWork,
  type StepReport,
  type WorkReport,
} from './report-work.ts'
export { startRun } from './start-run.ts'

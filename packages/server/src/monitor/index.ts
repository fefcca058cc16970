// The room of watching: what GitHub Actions does, kept and shown.
export type { MonitorDeps, MonitorSource } from './deps.ts'
export { countByStatus } from './count-newest.ts'
export { getHistory } from './get-history.ts'
export { getInsights } from './get-insights.ts'
export { getMetrics } from './get-metrics.ts'
export { getStatus } from './get-status.ts'
export { mapStatus, progressOf } from './map-status.ts'
export type { WorkflowRef } from './match-workflow.ts'
export { createMemo } from './memo.ts'
export type { ArtifactSnapshot, JobSnapshot, RunSnapshot, StepSnapshot } from './snapshots.ts'
export { completeJobs, type JobChange, storeArtifacts, storeJob, storeJobs } from './store-job.ts'
export { durationOf, type RunChange, type RunState, storeRun, storeRuns } from './store-run.ts'
export {
  type DispatchedRun,
  type NewDispatch,
  triggerPipeline,
  type TriggerDeps,
  type WorkflowDispatcher,
} from './trigger-pipeline.ts'
export { listWatched, type Watched } from './watched.ts'

// The room of watching: what GitHub Actions does, kept and shown.
export { announceChanges } from './announce-changes.ts'
export { createMemos, type MonitorDeps, type MonitorSource } from './deps.ts'
export { countByStatus } from './count-newest.ts'
export type { IngestDeps, MonitorObserver } from './ingest/deps.ts'
export {
  jobOf,
  readWorkflowDelivery,
  type WorkflowDelivery,
  workflowEvents,
} from './ingest/read-workflow-delivery.ts'
export {
  type Ingest,
  openIngest,
  type RunningIngest,
  type WorkflowDeliveries,
} from './ingest/start-ingest.ts'
export { getHistory } from './get-history.ts'
export { getInsights } from './get-insights.ts'
export { getMetrics } from './get-metrics.ts'
export { getStatus } from './get-status.ts'
export { measureRuns } from './measure-runs.ts'
export type { ArtifactSnapshot, JobSnapshot, RunSnapshot, StepSnapshot } from './snapshots.ts'
export { completeJobs, type JobChange, storeArtifacts, storeJob, storeJobs } from './store-job.ts'
export { type RunChange, type RunState, storeRun, storeRuns } from './store-run.ts'
export { triggerPipeline, type WorkflowDispatcher } from './trigger-pipeline.ts'
export { listWatched, type Watched } from './watched.ts'

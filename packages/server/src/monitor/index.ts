// The room of watching: what GitHub Actions does, kept and shown.
export { mapStatus, progressOf } from './map-status.ts'
export type { ArtifactSnapshot, JobSnapshot, RunSnapshot, StepSnapshot } from './snapshots.ts'
export { completeJobs, type JobChange, storeArtifacts, storeJob, storeJobs } from './store-job.ts'
export { durationOf, type RunChange, type RunState, storeRun, storeRuns } from './store-run.ts'

export { admitWorker, type AdmitDeps, renewWorker } from './admit-worker.ts'
export { archiveJobs, countOldJobs, dropJobHistory } from './archive-jobs.ts'
export { cancelJobs } from './cancel-jobs.ts'
export { type ClaimedAttempt, claimJobs, type ClaimInput } from './claim-jobs.ts'
export { completeJobs, type EncodedVerdict, type JobVerdict, settleJob } from './complete-jobs.ts'
export { deferJob } from './defer-job.ts'
export { awaitJob, dispatchJob, type JobEnd } from './dispatch-job.ts'
export { encodeResult, maxResultBytes, resultToJson } from './encode-outcome.ts'
export { expireJob, expireJobs } from './expire-jobs.ts'
export { failAttempt, failJob } from './fail-attempt.ts'
export type {
  EndReason,
  JobOwner,
  JobOwners,
  LedgerDeps,
  LedgerFigures,
  LossReason,
  UnsettledJob,
} from './job-owners.ts'
export type { JobState } from './job-states.ts'
export { type KeptWorker, keepWorker, type KeepWorkerDeps } from './keep-worker.ts'
export { hasWorkedOn } from './has-worked-on.ts'
export { mayTouchObject } from './may-touch-object.ts'
export { holdsJob, type JobClaim } from './holds-job.ts'
export type { HeldJob } from './list-held-jobs.ts'
export { giveUpMs } from './liveness.ts'
export { gatherSignals } from './gather-signals.ts'
export { isSameRelease, releaseOf } from './is-same-release.ts'
export { msToNextRun } from './next-run.ts'
export { drainWorker, listWorkers } from './list-workers.ts'
export { type Registration, registerWorker, type WorkerIdentity } from './register-worker.ts'
export { releaseJobs, returnJobs } from './release-jobs.ts'
export { type OwnJob, requireOwnAttempt, requireOwnWorker } from './require-own-worker.ts'
export { releaseDeadHome, releaseSilentWorkers, releaseWorker } from './release-workers.ts'
export { type HeldAttempt, openWorkLedger, type WorkLedger } from './work-ledger.ts'
export { strandJob } from './strand-job.ts'
export { settleForOwner } from './settle-for-owner.ts'
export { type JobDutiesOptions, startJobDuties } from './start-job-duties.ts'
export { createWorkerSignals, type Signal, type WorkerSignals } from './worker-signals.ts'

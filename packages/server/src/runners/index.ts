// The room of runners: jobs of GitHub Actions in ephemeral containers, and who takes them.
export { beatHeart } from './beat-heart.ts'
export { type CreatedDelegation, delegateJob } from './create-delegation.ts'
export { createDelegationControl } from './delegation-control.ts'
export { findDelegation, getDelegation } from './delegation-rows.ts'
export { hasEnded } from './delegation-states.ts'
export {
  containerLabels,
  type DelegationAttempt,
  type DelegationControl,
  type DelegationResult,
} from './delegation-work.ts'
export { defineWarm } from './define-run.ts'
export { deleteRunner } from './delete-runner.ts'
export type { RequestRunnerConfiguration, RunnersDeps } from './deps.ts'
export { startKeepingQueue } from './github/keep-queue.ts'
export { createRunnerRemoval } from './github/remove-runner.ts'
export { createConfigurationRequest } from './github/request-configuration.ts'
export { takeWorkflowDeliveries } from './github/take-workflow-deliveries.ts'
export { delegationJobOwners } from './job-owner.ts'
export { listClasses } from './list-classes.ts'
export { listDelegations } from './list-delegations.ts'
export { getRunner, listRunners } from './list-runners.ts'
export type { RunnerClass } from './runner-class.ts'
export { startDispatch } from './start-dispatch.ts'
export { startRunnerDuties } from './start-runner-duties.ts'
export { cancelDelegation, completeForProxy, updateDelegation } from './update-delegation.ts'
export { waitForDelegation } from './wait-for-delegation.ts'
export { createTurns, type HookDeps, type HookListener, type HookWork } from './hooks/deps.ts'
export { prepareJobContainer, pullJobImage } from './hooks/prepare-container.ts'
export { removeJobContainers } from './hooks/remove-containers.ts'
export { runInJobContainer } from './hooks/run-in-job.ts'
export { runStepContainer } from './hooks/run-step-container.ts'
export { startHookDuties } from './hooks/start-hook-duties.ts'

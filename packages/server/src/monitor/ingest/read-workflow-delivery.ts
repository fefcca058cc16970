import type { JobSnapshot, RunSnapshot } from '../../ports/github-actions.ts'
import {
  objectOf,
  readJob,
  readRepository,
  readRun,
  textOf,
} from '../../ports/read-github-actions.ts'
import { type QueueJobDetails, readQueueJobDetails } from '../../ports/read-github-runners.ts'
import type { SeenRepository } from './learn-repository.ts'

/** What a delivery of GitHub's says of workflows, as JSON stores it. */
export type WorkflowDelivery =
  | { kind: 'workflow run'; repository: SeenRepository; run: AsJson<RunSnapshot> }
  | {
      kind: 'workflow job'
      repository: SeenRepository
      job: AsJson<JobSnapshot>
      /** What runners want to know besides; one that was stored by an earlier version has none. */
      details?: QueueJobDetails & { action: string; actor: string }
    }
  | { kind: 'repository'; repository: SeenRepository; isGone: boolean }

/** With instants as texts. */
type AsJson<T> = {
  [Key in keyof T]: T[Key] extends Date | null ? string | Extract<T[Key], null> : T[Key]
}

/** Events of GitHub's webhook that tell of workflows. */
export const workflowEvents: readonly string[] = ['workflow_run', 'workflow_job', 'repository']

/** Understands a delivery of one of `workflowEvents`; in words, why there is nothing to do. */
export function readWorkflowDelivery(
  event: string,
  payload: Readonly<Record<string, unknown>>,
): WorkflowDelivery | string {
  const repository = readRepository(payload['repository'])
  if (repository === null) return 'it names no repository'
  switch (event) {
    case 'workflow_run': {
      const run = readRun(payload['workflow_run'], payload['workflow'])
      return run === null
        ? 'it says no workflow run'
        : { kind: 'workflow run', repository, run: runAsJson(run) }
    }
    case 'workflow_job': {
      const job = readJob(payload['workflow_job'])
      if (job === null) return 'it says no job'
      const actor = textOf(objectOf(payload['sender'])['login'], 100) ?? ''
      const action = textOf(payload['action'], 60) ?? ''
      const details = { ...readQueueJobDetails(payload['workflow_job']), action, actor }
      return { kind: 'workflow job', repository, job: jobAsJson(job), details }
    }
    default: {
      const { action } = payload
      if (action === 'renamed' || action === 'transferred') {
        return { kind: 'repository', repository, isGone: false }
      }
      if (action === 'deleted') return { kind: 'repository', repository, isGone: true }
      return 'nothing changes by it'
    }
  }
}

export function runOf({ run }: Extract<WorkflowDelivery, { run: unknown }>): RunSnapshot {
  return {
    ...run,
    createdAt: new Date(run.createdAt),
    runStartedAt: new Date(run.runStartedAt),
    updatedAt: new Date(run.updatedAt),
  }
}

export function jobOf({ job }: Extract<WorkflowDelivery, { job: unknown }>): JobSnapshot {
  return {
    ...job,
    createdAt: dateOf(job.createdAt),
    startedAt: dateOf(job.startedAt),
    completedAt: dateOf(job.completedAt),
  }
}

function runAsJson(run: RunSnapshot): AsJson<RunSnapshot> {
  return {
    ...run,
    createdAt: run.createdAt.toISOString(),
    runStartedAt: run.runStartedAt.toISOString(),
    updatedAt: run.updatedAt.toISOString(),
  }
}

function jobAsJson(job: JobSnapshot): AsJson<JobSnapshot> {
  return {
    ...job,
    createdAt: job.createdAt?.toISOString() ?? null,
    startedAt: job.startedAt?.toISOString() ?? null,
    completedAt: job.completedAt?.toISOString() ?? null,
  }
}

function dateOf(text: string | null): Date | null {
  return text === null ? null : new Date(text)
}

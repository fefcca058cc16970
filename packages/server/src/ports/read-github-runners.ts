import type { JobSnapshot } from './github-actions.ts'
import {
  type GitHubRunner,
  type JitConfiguration,
  type QueueJob,
  type QueueState,
  queueStates,
} from './github-runners.ts'
import { objectOf, readJob, textOf } from './read-github-actions.ts'

// As in read-github-actions.ts: null says that it is not what it should be, and nothing of it may be used.

const states: Readonly<Record<string, QueueState>> = {
  queued: 'queued',
  in_progress: 'in_progress',
  completed: 'completed',
}

/** What GitHub's JSON of a job says besides what everybody wants to know of it. */
export type QueueJobDetails = Pick<QueueJob, 'workflow' | 'sha' | 'branch'>

export function readQueueJob(value: unknown): QueueJob | null {
  const job = readJob(value)
  return job === null ? null : toQueueJob(job, readQueueJobDetails(value))
}

export function readQueueJobDetails(value: unknown): QueueJobDetails {
  const job = objectOf(value)
  return {
    workflow: textOf(job['workflow_name'], 300) ?? '',
    sha: textOf(job['head_sha'], 64) ?? '',
    branch: textOf(job['head_branch'], 255) ?? '',
  }
}

/** `requested`, `pending`, `waiting`, and what GitHub may add: nobody is to run it yet. */
function stateOf(word: string): QueueState {
  return states[word] ?? 'waiting'
}

/**
 * `action`: what a delivery says has happened. GitHub tells of a job that was let go as `queued` while its
 * status is still `waiting`: the later of the two is meant.
 */
export function toQueueJob(
  job: Omit<JobSnapshot, 'steps'>,
  details: QueueJobDetails,
  action = '',
): QueueJob {
  const [status, happened] = [stateOf(job.githubStatus), stateOf(action)]
  const state = queueStates.indexOf(happened) > queueStates.indexOf(status) ? happened : status
  const isTaken = state === 'in_progress' || state === 'completed'
  return {
    id: job.id,
    runId: job.runId,
    attempt: job.attempt,
    name: job.name,
    state,
    conclusion: job.conclusion,
    // Of a queued one both are the moment at which it was queued.
    queuedAt: job.createdAt ?? job.startedAt,
    runnerName: isTaken ? job.runnerName : null,
    labels: job.labels,
    ...details,
  }
}

const mostLabels = 100

export function readRunner(value: unknown): GitHubRunner | null {
  const runner = objectOf(value)
  const { id } = runner
  const name = textOf(runner['name'], 300)
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 1 || !name) return null
  if (typeof runner['status'] !== 'string' || !Array.isArray(runner['labels'])) return null
  const labels = runner['labels'].slice(0, mostLabels)
  return {
    id,
    name,
    online: runner['status'] === 'online',
    busy: runner['busy'] === true,
    labels: labels.flatMap((label) => textOf(objectOf(label)['name'], 300) ?? []),
  }
}

/** Far more than GitHub's are long. */
const longestConfiguration = 100_000

export function readJitConfiguration(value: unknown): JitConfiguration | null {
  const answer = objectOf(value)
  const encoded = answer['encoded_jit_config']
  const runner = readRunner(answer['runner'])
  if (runner === null || typeof encoded !== 'string') return null
  if (!/^[\w+/=-]+$/.test(encoded) || encoded.length > longestConfiguration) return null
  return { encoded, runnerId: runner.id }
}

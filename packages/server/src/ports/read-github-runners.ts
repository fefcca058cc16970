import type { GitHubRunner, JitConfiguration, QueueJob, QueueState } from './github-runners.ts'
import { objectOf, readJob, textOf } from './read-github-actions.ts'

// As in read-github-actions.ts: null says that it is not what it should be, and nothing of it may be used.

const states: Readonly<Record<string, QueueState>> = {
  queued: 'queued',
  in_progress: 'in_progress',
  completed: 'completed',
}

/** A job as the API and the webhook have it. */
export function readQueueJob(value: unknown): QueueJob | null {
  const job = readJob(value)
  if (job === null) return null
  const given = objectOf(value)
  // `requested`, `pending`, `waiting`, and what GitHub may add: nobody is to run it yet.
  const state = states[job.githubStatus] ?? 'waiting'
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
    workflow: textOf(given['workflow_name'], 300) ?? '',
    sha: textOf(given['head_sha'], 64) ?? '',
    branch: textOf(given['head_branch'], 255) ?? '',
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

import { type QueueJob, queueStates } from '../../ports/github-runners.ts'

/** A job of GitHub's queue, with what only some of its sources say. */
export interface ToldJob extends Omit<QueueJob, 'queuedAt'> {
  queuedAt: Date
  /** What began the run, and who; '' where it is not said. */
  event: string
  actor: string
}

/**
 * What is known of a job once `told` came, too: the one of the later state, with what the other knew
 * besides. So it only goes forward, and is the same in whatever order and however often it is told.
 */
export function mergeQueueJob(known: ToldJob | null, told: ToldJob): ToldJob {
  if (known === null) return told
  const order = queueStates.indexOf(told.state) - queueStates.indexOf(known.state)
  const [later, earlier] = order > 0 ? [told, known] : [known, told]
  return {
    ...later,
    conclusion: later.conclusion ?? (order === 0 ? earlier.conclusion : null),
    runnerName: later.runnerName ?? earlier.runnerName,
    labels: later.labels.length > 0 ? later.labels : earlier.labels,
    workflow: later.workflow || earlier.workflow,
    sha: later.sha || earlier.sha,
    branch: later.branch || earlier.branch,
    event: later.event || earlier.event,
    actor: later.actor || earlier.actor,
    // When it was queued is said best by whoever saw it first; GitHub says the same each time.
    queuedAt: earlier.queuedAt < later.queuedAt ? earlier.queuedAt : later.queuedAt,
  }
}

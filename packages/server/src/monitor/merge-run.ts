import { compareText } from './compare-text.ts'
import { awaitsApproval, progressOf } from './map-status.ts'
import type { RunSnapshot } from './snapshots.ts'

/**
 * What is known of a run once `told` came, too: the later of both. A higher attempt is later than a
 * lower one; within one attempt, more progress; with equal progress, GitHub's later time; and of two
 * that differ in nothing else, always the same one. So the order of deliveries does not matter, nor how
 * often one comes. Answers `known` itself where nothing changes.
 */
export function mergeRun(known: RunSnapshot | null, told: RunSnapshot): RunSnapshot {
  return known === null || compare(told, known) > 0 ? told : known
}

function compare(a: RunSnapshot, b: RunSnapshot): number {
  return (
    a.attempt - b.attempt ||
    progressOfRun(a) - progressOfRun(b) ||
    a.updatedAt.getTime() - b.updatedAt.getTime() ||
    compareText(textOf(a), textOf(b))
  )
}

function progressOfRun(run: RunSnapshot): number {
  return awaitsApproval(run) ? 0 : progressOf(run.githubStatus)
}

/** One text for one content, however its object was made. */
function textOf(run: RunSnapshot): string {
  return JSON.stringify([
    run.githubStatus,
    run.conclusion,
    run.runStartedAt,
    run.createdAt,
    run.workflowId,
    run.workflowName,
    run.workflowPath,
    run.runNumber,
    run.event,
    run.branch,
    run.commitSha,
    run.commitMessage,
    run.actor,
    run.url,
  ])
}

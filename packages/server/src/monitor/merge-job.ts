import { compareText } from './compare-text.ts'
import { progressOf } from './map-status.ts'
import type { JobSnapshot, StepSnapshot } from './snapshots.ts'

/**
 * What is known of a job once `told` came, too. The job is the one with more progress, and each of its
 * steps, by number, likewise: a step is never lost and never goes back, in whatever order deliveries come.
 */
export function mergeJob(known: JobSnapshot | null, told: JobSnapshot): JobSnapshot {
  if (known === null) return { ...told, steps: mergeSteps([], told.steps) }
  const later = compareJobs(told, known) > 0 ? told : known
  return { ...later, steps: mergeSteps(known.steps, told.steps) }
}

/** Whether two states of a job show the same. */
export function isSameJob(a: JobSnapshot, b: JobSnapshot): boolean {
  return textOf(a) === textOf(b) && stepsText(a.steps) === stepsText(b.steps)
}

/** The steps of `after` that `before` did not have like this. */
export function changedSteps(
  before: readonly StepSnapshot[],
  after: readonly StepSnapshot[],
): StepSnapshot[] {
  const known = new Map(before.map((step) => [step.number, step]))
  return after.filter((step) => {
    const was = known.get(step.number)
    return was === undefined || was.status !== step.status || was.conclusion !== step.conclusion
  })
}

function mergeSteps(known: readonly StepSnapshot[], told: readonly StepSnapshot[]): StepSnapshot[] {
  const steps = new Map<number, StepSnapshot>()
  for (const step of [...known, ...told]) {
    const other = steps.get(step.number)
    if (other === undefined || compareSteps(step, other) > 0) steps.set(step.number, step)
  }
  return [...steps.values()].toSorted((a, b) => a.number - b.number)
}

function compareJobs(a: JobSnapshot, b: JobSnapshot): number {
  return (
    a.attempt - b.attempt ||
    progressOf(a.githubStatus) - progressOf(b.githubStatus) ||
    compareText(textOf(a), textOf(b))
  )
}

function compareSteps(a: StepSnapshot, b: StepSnapshot): number {
  return progressOf(a.status) - progressOf(b.status) || compareText(stepsText([a]), stepsText([b]))
}

/** One text for one content; that of a later time is greater. */
function textOf(job: JobSnapshot): string {
  return JSON.stringify([
    job.completedAt ?? '',
    job.startedAt ?? '',
    job.createdAt ?? '',
    job.githubStatus,
    job.conclusion,
    job.attempt,
    job.runId,
    job.name,
    job.runnerName,
    job.labels,
  ])
}

function stepsText(steps: readonly StepSnapshot[]): string {
  return JSON.stringify(
    steps.map((step) => [
      step.completed_at ?? '',
      step.started_at ?? '',
      step.status,
      step.conclusion,
      step.name,
      step.number,
    ]),
  )
}

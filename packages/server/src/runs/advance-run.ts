import type { PhaseStatus, RunStatus, WorkStatus } from '@slipway/contract/runs'
import { isActive } from './run-states.ts'

/** What the decision about a run's next move looks at. */
export interface RunSnapshot {
  status: RunStatus
  phases: readonly PhaseSnapshot[]
  /**
   * The highest group whose tasks may begin: an outside workflow has released none above it. Absent: every
   * group begins when its turn comes.
   */
  released?: number
}

export interface PhaseSnapshot {
  id: string
  name: string
  group: number
  status: PhaseStatus
  tasks: readonly TaskSnapshot[]
}

export interface TaskSnapshot {
  id: string
  project: string
  status: WorkStatus
  /** Whether a job for it is in the ledger. */
  dispatched: boolean
  error: string | null
}

/** What follows from a snapshot; whoever applies it writes all of it in one transaction. */
export interface RunAdvance {
  phases: { id: string; status: PhaseStatus }[]
  /** Tasks to put into the ledger. */
  dispatch: string[]
  /** Running tasks that end as failed because the run has ended. */
  halt: string[]
  run: RunEnd | { status: 'running' } | null
}

/** How a run ends, and the sentence that a person reads about it. */
export type RunEnd =
  | { status: 'success'; message: string | null }
  | { status: 'failed'; failedPhase: string; message: string }
  | { status: 'cancelled'; by: string; message: string }

/**
 * Decides what comes next in a run: which tasks start, which phases change, whether it has ended.
 * Phases of one group run side by side, groups one after the other and none before it is released; the
 * first task that fails ends the run. Asking again after applying the answer answers nothing.
 */
export function advanceRun(snapshot: RunSnapshot): RunAdvance {
  if (!isActive(snapshot.status)) return nothing()
  const failure = firstFailure(snapshot.phases)
  if (failure !== null) return endRun(snapshot, failure)

  const advance = nothing()
  for (const phase of snapshot.phases) {
    const status = phaseStatus(phase)
    if (status !== phase.status) advance.phases.push({ id: phase.id, status })
  }
  const unfinished = snapshot.phases.filter((phase) =>
    ['pending', 'running'].includes(phaseStatus(phase)),
  )
  if (unfinished.length === 0) {
    return { ...advance, run: { status: 'success', message: null } }
  }
  const group = Math.min(...unfinished.map((phase) => phase.group))
  if (group <= (snapshot.released ?? group)) {
    advance.dispatch = unfinished
      .filter((phase) => phase.group === group)
      .flatMap((phase) => phase.tasks)
      .filter((task) => !task.dispatched && task.status === 'pending')
      .map((task) => task.id)
  }
  if (snapshot.status === 'pending') advance.run = { status: 'running' }
  return advance
}

/**
 * Ends a run as it stands: what ran is failed, what had not started stays pending under a
 * skipped phase, what had succeeded stays so.
 */
export function endRun(snapshot: RunSnapshot, end: RunEnd): RunAdvance {
  if (!isActive(snapshot.status)) return nothing()
  const phases: RunAdvance['phases'] = []
  for (const phase of snapshot.phases) {
    const status = endedPhaseStatus(phase)
    if (status !== phase.status) phases.push({ id: phase.id, status })
  }
  const halt = snapshot.phases
    .flatMap((phase) => phase.tasks)
    .filter((task) => task.status === 'running')
    .map((task) => task.id)
  return { phases, dispatch: [], halt, run: end }
}

function nothing(): RunAdvance {
  return { phases: [], dispatch: [], halt: [], run: null }
}

function firstFailure(phases: readonly PhaseSnapshot[]): RunEnd | null {
  for (const phase of phases) {
    const task = phase.tasks.find(({ status }) => status === 'failed')
    if (task === undefined) continue
    const reason = task.error ?? 'it failed'
    return {
      status: 'failed',
      failedPhase: phase.name,
      message: `Project ${task.project} failed in phase ${phase.name}: ${reason}`,
    }
  }
  return null
}

/** What a phase of a run that goes on is, by its tasks. One that nobody takes part in is skipped. */
function phaseStatus(phase: PhaseSnapshot): PhaseStatus {
  if (phase.status !== 'pending' && phase.status !== 'running') return phase.status
  if (phase.tasks.length === 0) return 'skipped'
  if (phase.tasks.every(({ status }) => status === 'success')) return 'success'
  return phase.tasks.every(({ status }) => status === 'pending') ? phase.status : 'running'
}

function endedPhaseStatus(phase: PhaseSnapshot): PhaseStatus {
  const status = phaseStatus(phase)
  if (status === 'running') return 'failed'
  return status === 'pending' ? 'skipped' : status
}

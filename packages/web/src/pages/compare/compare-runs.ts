import type { Run, Step } from '@slipway/contract/runs'

export interface ComparedStep {
  phase: string
  project: string
  step: string
  /** Null where that run has no such step. */
  left: ComparedSide | null
  right: ComparedSide | null
  /** How much longer it took in the right one; null where it did not end in both. */
  differenceMs: number | null
}

interface ComparedSide {
  status: Step['status']
  tookMs: number | null
}

/** The steps of both runs, matched by phase, project and name, in the order of the left one. */
export function compareRuns(left: Run, right: Run): ComparedStep[] {
  const ofLeft = stepsOf(left)
  const ofRight = stepsOf(right)
  return [...new Set([...ofLeft.keys(), ...ofRight.keys()])].map((key) => {
    const [phase = '', project = '', step = ''] = JSON.parse(key) as string[]
    const one = ofLeft.get(key) ?? null
    const other = ofRight.get(key) ?? null
    const both = one?.tookMs != null && other?.tookMs != null
    const differenceMs = both ? Number(other.tookMs) - Number(one.tookMs) : null
    return { phase, project, step, left: one, right: other, differenceMs }
  })
}

function stepsOf(run: Run): Map<string, ComparedSide> {
  const steps = new Map<string, ComparedSide>()
  for (const phase of run.phases) {
    for (const task of phase.tasks) {
      for (const { name, status, started_at: from, completed_at: to } of task.steps) {
        const tookMs = from === null || to === null ? null : Date.parse(to) - Date.parse(from)
        steps.set(JSON.stringify([phase.name, task.project_name, name]), { status, tookMs })
      }
    }
  }
  return steps
}

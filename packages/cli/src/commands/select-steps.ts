import type { Run, Step } from '@slipway/contract/runs'

export interface LocatedStep {
  phase: string
  project: string
  step: Step
  /** `phase/project/step`. */
  place: string
}

/**
 * The steps that a selector means, in the order of the run: an id, `phase/project/step`,
 * `project/step` or a step's name. Without a selector all of them.
 */
export function selectSteps(run: Run, selector: string | undefined): LocatedStep[] {
  const all = run.phases.flatMap((phase) =>
    phase.tasks.flatMap((task) =>
      task.steps.map((step) => ({
        phase: phase.name,
        project: task.project_name,
        step,
        place: `${phase.name}/${task.project_name}/${step.name}`,
      })),
    ),
  )
  if (selector === undefined) return all
  return all.filter(
    ({ place, step }) =>
      step.id === selector.toLowerCase() || place === selector || place.endsWith(`/${selector}`),
  )
}

import type { Phase, Run, Step, Task } from '@slipway/contract/runs'

export interface ChosenStep {
  phase: Phase
  task: Task
  step: Step
}

/** The step that is asked for, else the one that matters most now: a failed one, a running one, the last that ran. */
export function chooseStep(run: Run, id: string | undefined): ChosenStep | null {
  const all = run.phases.flatMap((phase) =>
    phase.tasks.flatMap((task) => task.steps.map((step) => ({ phase, task, step }))),
  )
  const by = (status: Step['status']) => all.filter(({ step }) => step.status === status)
  return (
    all.find(({ step }) => step.id === id) ??
    by('failed')[0] ??
    by('running')[0] ??
    by('success').at(-1) ??
    all[0] ??
    null
  )
}

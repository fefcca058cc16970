import type { ProjectConfig, RepositoryConfig, StepConfig } from '@slipway/forge'
import { v7 as uuid } from 'uuid'
import { stepLogKey } from './step-log-key.ts'

/** The rows that a run's configuration asks for, with their ids. */
export interface RunPlan {
  phases: PlannedPhase[]
}

export interface PlannedPhase {
  id: string
  name: string
  group: number
  timeoutMs: number
  tasks: PlannedTask[]
}

export interface PlannedTask {
  id: string
  project: string
  path: string
  steps: PlannedStep[]
}

export interface PlannedStep {
  id: string
  name: string
  logKey: string
  definition: StepConfig
}

/**
 * Lays out a run: every declared phase in the order of its group, in each a task for
 * every project that takes part, in each task the project's steps for that phase.
 */
export function planRun(
  runId: string,
  repository: RepositoryConfig,
  projects: readonly ProjectConfig[],
): RunPlan {
  const phases = repository.phases
    .map((phase) => ({
      id: uuid(),
      name: phase.name,
      group: phase.group,
      timeoutMs: phase.timeoutMs,
      tasks: projects.flatMap((project) => planTask(runId, phase.name, project)),
    }))
    .toSorted((a, b) => a.group - b.group)
  return { phases }
}

function planTask(runId: string, phase: string, project: ProjectConfig): PlannedTask[] {
  const steps = project.phases.find(({ name }) => name === phase)?.steps ?? []
  if (steps.length === 0) return []
  return [
    {
      id: uuid(),
      project: project.name,
      path: project.path,
      steps: steps.map((definition) => ({
        id: uuid(),
        name: definition.name,
        logKey: stepLogKey({ runId, phase, project: project.name, step: definition.name }),
        definition,
      })),
    },
  ]
}

import type {
  ArtifactConfig,
  ProjectConfig,
  PublisherConfig,
  RepositoryConfig,
  StepConfig,
} from '@slipway/forge'
import { v7 as uuid } from 'uuid'
import type { ArtifactStep } from './artifact-step.ts'
import { makesArtifacts, releaseTrigger, type RunOccasion } from './release-trigger.ts'
import { stepLogKey } from './step-log-key.ts'

/** The rows that a run's configuration asks for, with their ids. */
export interface RunPlan {
  phases: PlannedPhase[]
  projects: PlannedProject[]
}

/** What is kept of a project for what follows the last phase. */
export interface PlannedProject {
  name: string
  path: string
  config: Omit<ProjectConfig, 'phases'>
  releaseTrigger: 'branch_push' | 'tag' | null
}

export interface PlannedPhase {
  id: string
  name: string
  group: number
  timeoutMs: number
  tasks: PlannedTask[]
}

export type TaskKind = 'task' | 'artifact' | 'release'

export interface PlannedTask {
  id: string
  kind: TaskKind
  project: string
  path: string
  /** Of a task of kind `artifact`. */
  artifact: string | null
  steps: PlannedStep[]
}

export interface PlannedStep {
  id: string
  name: string
  logKey: string
  definition: StepConfig | ArtifactStep | ReleaseStep
}

/** The one step of a task of kind `release`. */
export interface ReleaseStep {
  name: 'release'
  needs: []
  timeoutMs: number
}

/** Milliseconds (API & Operations Reference, "Timeout Handling"). */
const artifactTimeoutMs = 20 * 60_000
const releaseTimeoutMs = 15 * 60_000

/**
 * Lays out a run: every declared phase in the order of its group, in each a task for every project
 * that takes part, in each task the project's steps for that phase. Behind them, where projects are
 * released, a phase that makes their artifacts and one that makes the releases. A project whose commit
 * `released` says to have a release already makes no artifacts again; its release only gets a tag.
 */
export function planRun(
  run: RunOccasion & { id: string },
  repository: RepositoryConfig,
  projects: readonly ProjectConfig[],
  released: ReadonlySet<string>,
): RunPlan {
  const phases = repository.phases
    .map((phase) => ({
      id: uuid(),
      name: phase.name,
      group: phase.group,
      timeoutMs: phase.timeoutMs,
      tasks: projects.flatMap((project) => planTask(run.id, phase.name, project)),
    }))
    .toSorted((a, b) => a.group - b.group)
  const planned = projects.map((project) => planProject(run, repository, project))
  const taken = new Set(phases.map(({ name }) => name))
  const name = (wanted: string) => freeName(wanted, taken)
  const lastGroup = Math.max(0, ...phases.map(({ group }) => group))

  const artifacts: PlannedPhase = {
    id: uuid(),
    name: name('artifacts'),
    group: lastGroup + 1,
    timeoutMs: artifactTimeoutMs,
    tasks: [],
  }
  artifacts.tasks = projects
    .filter((project) => !released.has(project.name))
    .filter((project) => makesArtifacts(run, repository.tagging, project))
    .flatMap((project) =>
      project.artifacts.map((artifact) =>
        planArtifact({ runId: run.id, phase: artifacts.name }, project, artifact, repository),
      ),
    )
  const releases: PlannedPhase = {
    id: uuid(),
    name: name('release'),
    group: lastGroup + (artifacts.tasks.length > 0 ? 2 : 1),
    timeoutMs: releaseTimeoutMs,
    tasks: [],
  }
  releases.tasks = planned
    .filter((project) => project.releaseTrigger !== null)
    .map((project) => planRelease({ runId: run.id, phase: releases.name }, project))
  const further = [artifacts, releases].filter(({ tasks }) => tasks.length > 0)
  return { phases: [...phases, ...further], projects: planned }
}

function planProject(
  run: RunOccasion,
  repository: RepositoryConfig,
  project: ProjectConfig,
): PlannedProject {
  const { phases: _, ...config } = project
  const trigger = releaseTrigger(run, repository.tagging, project)
  return { name: project.name, path: project.path, config, releaseTrigger: trigger }
}

function planTask(runId: string, phase: string, project: ProjectConfig): PlannedTask[] {
  const steps = project.phases.find(({ name }) => name === phase)?.steps ?? []
  if (steps.length === 0) return []
  const place = { runId, phase, project: project.name }
  return [
    {
      id: uuid(),
      kind: 'task',
      project: project.name,
      path: project.path,
      artifact: null,
      steps: steps.map((definition) => planStep(place, definition)),
    },
  ]
}

function planArtifact(
  place: { runId: string; phase: string },
  project: ProjectConfig,
  artifact: ArtifactConfig,
  repository: RepositoryConfig,
): PlannedTask {
  const publishers = artifact.publishers.flatMap((name): PublisherConfig[] =>
    repository.publishers.filter((known) => known.name === name),
  )
  const definition: ArtifactStep = {
    name: artifact.name,
    needs: [],
    timeoutMs: artifactTimeoutMs,
    artifact,
    publishers,
  }
  return {
    id: uuid(),
    kind: 'artifact',
    project: project.name,
    path: project.path,
    artifact: artifact.name,
    steps: [planStep({ ...place, project: project.name }, definition)],
  }
}

function planRelease(
  place: { runId: string; phase: string },
  project: PlannedProject,
): PlannedTask {
  const definition: ReleaseStep = { name: 'release', needs: [], timeoutMs: releaseTimeoutMs }
  return {
    id: uuid(),
    kind: 'release',
    project: project.name,
    path: project.path,
    artifact: null,
    steps: [planStep({ ...place, project: project.name }, definition)],
  }
}

function planStep(
  place: { runId: string; phase: string; project: string },
  definition: PlannedStep['definition'],
): PlannedStep {
  const { name } = definition
  return { id: uuid(), name, logKey: stepLogKey({ ...place, step: name }), definition }
}

/** A phase of the repository's own may already have the name. */
function freeName(wanted: string, taken: ReadonlySet<string>): string {
  let name = wanted
  for (let number = 2; taken.has(name); number++) name = `${wanted}-${number}`
  return name
}

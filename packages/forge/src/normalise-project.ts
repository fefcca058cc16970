import type {
  ArtifactConfig,
  KubernetesResource,
  PhaseConfig,
  ProjectConfig,
  ReleaseTriggerConfig,
} from './config.ts'
import { normaliseCommand, normaliseStep, type WrittenCommand } from './normalise-command.ts'

/** Time limit of a producer that names none. */
const producerTimeoutMs = 20 * 60_000

/** A project file after all checks: the shape of `ProjectFile`. */
interface WrittenProject {
  phases?: Record<string, { steps: (WrittenCommand & { name: string; needs?: string[] })[] }>
  artifacts?: Record<string, WrittenArtifact>
  release?: { on: { branch?: string; tag?: true; manual?: true }[] }
  deploy?: { resources: KubernetesResource[] }
}

interface WrittenArtifact {
  type: ArtifactConfig['type']
  producer: WrittenCommand & { path?: string }
  publishers?: string[]
}

export interface ProjectPlace {
  name: string
  /** Directory of the project; '.' at the root. */
  path: string
  file: string
}

/** A project file, after all checks, with its defaults; its phases in the order of the repository's. */
export function normaliseProject(
  value: unknown,
  place: ProjectPlace,
  phases: readonly PhaseConfig[],
): ProjectConfig {
  const written = value as WrittenProject
  const own = written.phases ?? {}
  return {
    ...place,
    phases: phases.flatMap(({ name, timeoutMs }) => {
      const phase = Object.hasOwn(own, name) ? own[name] : undefined
      if (phase === undefined) return []
      return { name, steps: phase.steps.map((step) => normaliseStep(step, timeoutMs)) }
    }),
    artifacts: Object.entries(written.artifacts ?? {}).map(normaliseArtifact),
    release: { on: (written.release?.on ?? []).map(normaliseTrigger) },
    deploy: { resources: written.deploy?.resources ?? [] },
  }
}

function normaliseArtifact([name, artifact]: [string, WrittenArtifact]): ArtifactConfig {
  const { path, ...command } = artifact.producer
  const runs = Object.keys(command).length > 0
  return {
    name,
    type: artifact.type,
    producer: {
      command: runs ? normaliseCommand(command, producerTimeoutMs) : null,
      path: path ?? null,
    },
    publishers: artifact.publishers ?? [],
  }
}

function normaliseTrigger(trigger: { branch?: string; tag?: true }): ReleaseTriggerConfig {
  if (trigger.branch !== undefined) return { type: 'branch', branch: trigger.branch }
  return trigger.tag === true ? { type: 'tag' } : { type: 'manual' }
}

// What `loadForge` returns: plain JSON data with all defaults filled in. Lists keep the order
// of the file. Durations are milliseconds, paths relative and '/'-separated.

export interface RepositoryConfig {
  /** Path of the file it was read from. */
  file: string
  forgeVersion: string
  tagging: { strategy: 'monorepo' | 'tag-all' }
  phases: PhaseConfig[]
  publishers: PublisherConfig[]
  environments: EnvironmentConfig[]
}

export interface PhaseConfig {
  name: string
  /** Phases of one group run in parallel, groups in ascending order. */
  group: number
  description: string | null
  timeoutMs: number
  /** Every project takes part; `loadForge` has checked it. */
  required: boolean
}

export interface PublisherConfig {
  name: string
  type: string
  /** Name of credentials stored on the server. */
  credentials: string | null
  /** The type's own keys. */
  with: Record<string, unknown>
}

/** What a repository says of an environment; null where it says nothing and the server's policy holds alone. */
export interface EnvironmentConfig {
  name: string
  approval: {
    required: boolean | null
    approvals: number | null
    roles: string[] | null
    expiresMs: number | null
    selfApproval: boolean | null
  }
  /** Globs for `compileBranchGlob`. */
  branches: string[] | null
  triggers: ('branch' | 'tag' | 'manual')[] | null
  autoDeploy: boolean | null
  logRetentionDays: number | null
}

export interface ProjectConfig {
  name: string
  /** Directory of the project; '.' at the root. */
  path: string
  /** Path of the file it was read from. */
  file: string
  phases: ProjectPhaseConfig[]
  artifacts: ArtifactConfig[]
  release: { on: ReleaseTriggerConfig[] }
  deploy: { resources: KubernetesResource[] }
}

export interface ProjectPhaseConfig {
  /** Name of a phase of the repository file. */
  name: string
  steps: StepConfig[]
}

/** Something that runs as one command; `stepCommand` turns it into argv. */
export interface CommandConfig {
  action: string
  /** The action's own keys, validated. */
  with: Record<string, unknown>
  /** The step's own, or its phase's. */
  timeoutMs: number
  env: Record<string, string>
  secrets: SecretConfig[]
  image: string | null
  network: 'host' | 'none'
}

export interface StepConfig extends CommandConfig {
  name: string
  /** Names of steps of the same task; acyclic. */
  needs: string[]
}

export interface SecretConfig {
  /** Name of the stored secret. */
  name: string
  /** Variable that gets it, or the path of its file. */
  env: string
  file: boolean
}

export interface ArtifactConfig {
  name: string
  type: 'container' | 'binary' | 'archive'
  producer: {
    /** Runs when the task's steps have succeeded; null: the steps leave `path` behind. */
    command: CommandConfig | null
    /** File or folder to collect, relative to the project; null: the command's result is an image. */
    path: string | null
  }
  /** Names of publishers. */
  publishers: string[]
}

/** `branch` is a pattern for `compileBranchRegex`. */
export type ReleaseTriggerConfig =
  | { type: 'branch'; branch: string }
  | { type: 'tag' }
  | { type: 'manual' }

/** A Kubernetes manifest; `{$artifact: {name, field}}` stands for the published artifact. */
export interface KubernetesResource {
  apiVersion: string
  kind: string
  metadata: { name: string; [key: string]: unknown }
  [key: string]: unknown
}

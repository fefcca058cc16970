import type {
  BuildFailureReason,
  BuildOutputType,
  BuildStepKey,
  BuildStepStatus,
} from '@slipway/contract/builds'
import type { BrandingToApply } from '../branding/index.ts'
import type { ConfigurationToApply } from '../configurations/index.ts'
import type { GitRemote } from '../git/index.ts'
import type { JobClaim } from '../jobs/index.ts'
import type { ImageLogin } from '../ports/image-engine.ts'

/**
 * What a worker that builds tells the control plane and asks of it. Every call names the attempt that
 * the worker holds and fails with a `resource_conflict` when that is not so any more: stop, then.
 */
export interface BuildControl {
  /** Begins an attempt: the build is running, its steps are pending anew. */
  beginBuild(input: { buildId: number; claim: JobClaim }): Promise<BuildAttempt>
  /** Several reports of one attempt come in the order in which they were sent. */
  reportBuildStep(input: {
    buildId: number
    claim: JobClaim
    step: BuildStepKey
    status: BuildStepStatus
    /** Whole percent; null: can't tell. */
    progress: number | null
    /** Once clone_repo knows it. */
    commitSha?: string
  }): Promise<void>
  /** The login that push_registry needs, asked for in that step and no sooner; null: none is needed. */
  openBuildRegistry(input: { buildId: number; claim: JobClaim }): Promise<ImageLogin | null>
  /** Ends the build with its outputs or with why there are none, and settles its job. */
  completeBuild(input: { buildId: number; claim: JobClaim; result: BuildResult }): Promise<void>
  /** Of jobs, by their ids, those whose images at a worker's engine nobody needs any more. */
  findUnneededImages(jobIds: readonly string[]): Promise<readonly string[]>
}

/** Everything that an attempt needs to know. */
export interface BuildAttempt {
  buildId: number
  /** 1 for the first. */
  number: number
  /** Key of the log, the same for all attempts of a build. */
  logKey: string
  /** In the order in which they run. */
  steps: readonly BuildStepKey[]
  outputType: BuildOutputType
  repository: {
    /** For people, and for the names of outputs. */
    name: string
    isOfficial: boolean
    remote: GitRemote
    /** What to build; null: what the remote calls its default. */
    ref: string | null
  }
  branding: BrandingToApply | null
  configuration: ConfigurationToApply | null
  image: {
    /** Without a tag; null: the worker's own choice. */
    name: string | null
    tag: string | null
    args: Readonly<Record<string, string>>
    platforms: readonly string[]
  }
  /** Where push_registry pushes to; null where it is not asked for. */
  registry: { address: string; namespace: string | null } | null
  /** Of custom_parameters, what is text, a number or a boolean: ARG values and template variables. */
  variables: Readonly<Record<string, string>>
}

/**
 * Label of every image that a build made: the id of the build's job. Unlike the build's own, no other
 * server that uses the engine has it, so by this label is found what attempts have left.
 */
export const imageJobLabel = 'io.slipway.job'

export type BuildResult =
  | { status: 'completed'; outputs: readonly ProducedOutput[] }
  | { status: 'failed'; reason: BuildFailureReason; error: string }

/** What a build leaves for its users. */
export type ProducedOutput =
  | { type: 'zip'; objectKey: string; fileName: string; sizeBytes: number; sha256: string }
  | {
      type: 'docker_image'
      /** As it is pulled: with the registry where it was pushed. */
      url: string
      imageId: string
      /** In the registry; null where it was not pushed. */
      digest: string | null
      sizeBytes: number
    }

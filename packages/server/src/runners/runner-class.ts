import type { ContainerLimits } from '../ports/container-host.ts'

/** What serves jobs with certain labels. Source: `runners.classes` of slipway.yaml. */
export interface RunnerClass {
  name: string
  /** All labels of a job must be among these; `self-hosted` counts as present. */
  labels: readonly string[]
  executor: 'docker'
  image: string
  /** Null: GitHub's runner (`run.sh`), with a just-in-time configuration. */
  command: readonly string[] | null
  /** Nothing secret: it can be read by whoever may inspect containers. */
  env: Readonly<Record<string, string>>
  limits: ContainerLimits & {
    /** Milliseconds from the start of a container until it is stopped. */
    timeoutMs: number
  }
  /** bridge: one of its own; none: none; otherwise the name of an existing one. */
  network: string
  /** Containers of this class at once, warm ones not counted. */
  maxRunners: number
  /** Of one repository; null: only `maxRunners` counts. */
  maxPerRepository: number | null
  /** Containers that are created before they are needed. */
  warm: number
  /** `owner/name` and `owner/*` that may use it; null: all. */
  repositories: readonly string[] | null
  /** Absolute host directories below which hooks may mount, e.g. a proxy runner's `_work`. */
  mounts: readonly string[]
}

/**
 * Runs containers that outlive this process: whoever comes after it finds them again by their labels
 * and goes on with them. The executor of steps is another port; its executions die with their worker.
 *
 * Lifecycle of a container: `create` (from now on `list` finds it), `start` once, any number of
 * `follow`, `wait` and `exec`, `remove` in whatever state it is. `close` ends waits and follows, and
 * leaves containers alone.
 * Concurrency: any number of calls. Failure: AppError `unavailable` when the engine is away (try again),
 * `invalid_request` for what it will never do (no such image, a refused option), `resource_not_found`
 * for a container that is gone. Every call ends when `signal` aborts, without touching the container.
 */
export interface ContainerHost {
  /** Short name for health and logs: docker. */
  readonly name: string
  /** Answers the container's id. Its network is made with it and removed with it. */
  create(spec: ContainerSpec, signal: AbortSignal): Promise<string>
  /**
   * Starts a created container. `late` is what was not known when it was created (a warm one): it
   * reaches the command's environment, and never the container's configuration, labels or log.
   */
  start(
    id: string,
    late: { env: Readonly<Record<string, string>> },
    signal: AbortSignal,
  ): Promise<void>
  /** Those with all of these labels, running or not; at most 10,000. */
  list(
    labels: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<readonly FoundContainer[]>
  /** Hands on the output, from its beginning or from `since` on, until the container has ended. */
  follow(id: string, since: Date | null, sink: ContainerOutput, signal: AbortSignal): Promise<void>
  /** Resolves as soon as the container has ended by itself or otherwise; at once if it has already. */
  wait(id: string, signal: AbortSignal): Promise<ContainerExit>
  /** Runs a further command in a running container; when `signal` aborts, that command is ended too. */
  exec(
    id: string,
    command: ContainerCommand,
    sink: ContainerOutput,
    signal: AbortSignal,
  ): Promise<{ exitCode: number }>
  /** SIGTERM, and SIGKILL after `graceMs`. One that has ended is no error. */
  stop(id: string, graceMs: number): Promise<void>
  /** Removes it with its anonymous volumes and network, running or not. One that is gone is no error. */
  remove(id: string): Promise<void>
  /** Rejects when the engine can't be reached. */
  check(): Promise<void>
  close(): Promise<void>
}

export interface ContainerSpec {
  image: string
  /** Null: the image's own. */
  command: readonly string[] | null
  /** Visible to whoever may inspect containers; nothing secret. */
  env: Readonly<Record<string, string>>
  labels: Readonly<Record<string, string>>
  workdir: string | null
  user: string | null
  /** Absolute host paths, checked by the caller. */
  mounts: readonly { source: string; target: string; readOnly: boolean }[]
  /** bridge: a network of its own; none: none; otherwise the name of an existing network. */
  network: string
  /** Keeps running until it is stopped, for `exec`: its command is ours. */
  idle: boolean
  limits: ContainerLimits
}

export interface ContainerLimits {
  memoryBytes: number | null
  /** Cores, fractions allowed. */
  cpus: number | null
  /** Processes and threads. */
  pids: number | null
  /** Bytes that it may write to its own file system, where the engine can limit it. */
  diskBytes: number | null
}

export interface FoundContainer {
  id: string
  labels: Readonly<Record<string, string>>
  state: 'created' | 'running' | 'ended'
  /** Null before it ended. */
  exit: ContainerExit | null
  createdAt: Date
}

export interface ContainerExit {
  exitCode: number
  outOfMemory: boolean
  endedAt: Date
}

export interface ContainerCommand {
  argv: readonly [string, ...string[]]
  env: Readonly<Record<string, string>>
  workdir: string | null
  user: string | null
}

export interface ContainerOutput {
  /** stdout and stderr as they came; lines split anywhere. A promise holds the reading back. */
  write(chunk: Buffer): void | Promise<void>
}

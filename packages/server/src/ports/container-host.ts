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
 * A host need not do everything: `create` says what it does not, and what a container of it cannot be asked for
 * later (`rename`, `exec`, `pause`, `measure`) is an `invalid_request` as well.
 */
export interface ContainerHost {
  /** Short name for health and logs: docker, kubernetes. */
  readonly name: string
  /**
   * Answers the container's id. Its network is made with it and removed with it. An image that the engine
   * does not have is pulled, if that is allowed; one without `/bin/sh` is an `invalid_request`. A name that
   * is taken is a `resource_conflict`.
   */
  create(spec: ContainerSpec, signal: AbortSignal): Promise<string>
  /**
   * Brings an image as whoever logs in, also where the engine has it already: they have to be let in by its
   * registry. `authorization_failed` where they are not.
   */
  pullAs(image: string, login: ContainerLogin, signal: AbortSignal): Promise<void>
  /** What an image runs by itself; pulls it where it is missing. */
  readImage(
    image: string,
    signal: AbortSignal,
  ): Promise<{ entrypoint: readonly string[]; command: readonly string[] }>
  /** Gives a container another name; `resource_conflict` where another one has it. */
  rename(id: string, name: string, signal: AbortSignal): Promise<void>
  /**
   * Starts a created container. `late` is what was not known when it was created (a warm one): it
   * reaches the command's environment, and never the container's configuration, labels or log. Names are
   * letters, digits and `_`.
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
  /** One container by its id or name, running or not; null: there is none. */
  find(idOrName: string, signal: AbortSignal): Promise<FoundContainer | null>
  /**
   * Hands on the output, from its beginning or from `since` on, until the container has ended: stdout and
   * stderr as they were written, each byte once, also where the engine goes away meanwhile and comes back.
   */
  follow(id: string, since: Date | null, sink: ContainerOutput, signal: AbortSignal): Promise<void>
  /**
   * Resolves as soon as the container has ended by itself or otherwise; at once if it has already. While
   * the engine is away, waits for it.
   */
  wait(id: string, signal: AbortSignal): Promise<ContainerExit>
  /** Runs a further command in a running container; when `signal` aborts, that command is ended too. */
  exec(
    id: string,
    command: ContainerCommand,
    sink: ContainerOutput,
    signal: AbortSignal,
  ): Promise<{ exitCode: number }>
  /**
   * Stops the clock for all that runs in a container: nothing in it changes a file until `resume`. One that
   * does not run is a `resource_conflict`.
   */
  pause(id: string, signal: AbortSignal): Promise<void>
  /** One that is gone, or was not paused, is no error. */
  resume(id: string): Promise<void>
  /** Bytes that it has written to its own file system; slow where these are many files. */
  measure(id: string, signal: AbortSignal): Promise<number>
  /** SIGTERM, and SIGKILL after `graceMs`. One that has ended is no error. */
  stop(id: string, graceMs: number): Promise<void>
  /** Removes it with its anonymous volumes and network, running or not. One that is gone is no error. */
  remove(id: string): Promise<void>
  /** Removes the networks of containers with these labels that somebody else has removed. */
  removeOrphans(labels: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void>
  /** Rejects when the engine can't be reached. */
  check(): Promise<void>
  close(): Promise<void>
}

export interface ContainerSpec {
  /** Unique on its engine; default: one that nobody has. */
  name?: string
  image: string
  /** In place of the image's own entrypoint and command; null: these. */
  command: readonly string[] | null
  /** Visible to whoever may inspect containers; nothing secret. */
  env: Readonly<Record<string, string>>
  labels: Readonly<Record<string, string>>
  workdir: string | null
  user: string | null
  /** Absolute host paths, checked by the caller. */
  mounts: readonly { source: string; target: string; readOnly: boolean }[]
  /**
   * bridge: a network of its own; internal: the same, from which nothing outside can be reached; none: none;
   * otherwise the name of an existing network.
   */
  network: string
  /** Names by which others in its network find it beside its own; not where that is `none`. */
  aliases?: readonly string[]
  /** Keeps running until it is stopped, for `exec`: its command is ours. */
  idle: boolean
  limits: ContainerLimits
  /** How its pod is, for a host on Kubernetes, and for no other; absent: it is no such host's. */
  pod?: PodSettings
}

/** What a container is told on Kubernetes beside what every host knows. */
export interface PodSettings {
  /**
   * Whom it runs as: the image's own user, which must not be root; a user by number; or root, with the few
   * capabilities that containers of other hosts have. `user` of the container comes before it.
   */
  runAs: 'image' | 'root' | { uid: number; gid: number | null }
  /** Labels that a node must have. */
  nodeSelector: Readonly<Record<string, string>>
  /** Of a sandbox such as gVisor; null: that of the cluster. */
  runtimeClass: string | null
  /** Names of Secrets with logins of registries. */
  pullSecrets: readonly string[]
  /** Milliseconds that a pod has to start, its node and its image included. */
  startTimeoutMs: number
  /** Milliseconds after which the cluster ends it by itself, should nobody else be there. */
  deadlineMs: number
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
  name: string
  labels: Readonly<Record<string, string>>
  state: 'created' | 'running' | 'ended'
  /** Null before it ended. */
  exit: ContainerExit | null
  createdAt: Date
  /** Null before it was started. */
  startedAt: Date | null
  /** Name of the network that it is in: another container with it as its `network` meets it there. */
  network: string
  /** What its image's own check says; null: it has none. */
  health: 'starting' | 'healthy' | 'unhealthy' | null
}

export interface ContainerLogin {
  username: string
  password: string
  /** `host[:port]` that the login is for; null: that of the image's name. */
  serverAddress: string | null
}

export interface ContainerExit {
  /** Null: it never ran, or nobody knows. */
  exitCode: number | null
  outOfMemory: boolean
  /** The engine was away while it was waited for, and may have ended the container itself. */
  interrupted: boolean
  /**
   * It may have ended without being told its late environment, and then its command never ran: whoever
   * started it died at that moment. Commands that answer the same exit code are mistaken for that.
   */
  mayNotHaveRun: boolean
  /** Why something or somebody else ended it, for people; null: it ended by itself, or was asked to. */
  reason: string | null
  endedAt: Date
}

export interface ContainerCommand {
  argv: readonly [string, ...string[]]
  /** Names are whatever has no `=`: those that no shell can set reach the command as well. */
  env: Readonly<Record<string, string>>
  /** Directories that come before the container's PATH, or that of `env`. */
  prependPath?: readonly string[]
  workdir: string | null
  user: string | null
}

export interface ContainerOutput {
  /**
   * stdout and stderr as they came; lines split anywhere. A promise holds the reading back. `at` is when
   * the container wrote it, by the clock of its engine, where that is known.
   */
  write(chunk: Buffer, at?: Date): void | Promise<void>
  /** Told where output is missing, before what comes next. Absent: a line of output says so. */
  missed?(): Promise<void>
}

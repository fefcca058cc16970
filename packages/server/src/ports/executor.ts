/**
 * Runs one command in isolation and reports how it ended.
 *
 * Lifecycle: `open` once (it ends what a dead predecessor left running, before
 * any job is claimed), any number of `start`, `close` once (stops everything and waits).
 * Concurrency: executions are independent; several may share one workspace.
 * Failure: `start` rejects only when nothing was started (bad working directory,
 * no isolation to be had); whatever happens afterwards is a value of `done`,
 * which never rejects. When `done` resolves, the whole process tree is gone and
 * every byte it wrote has been handed to the sink.
 */
export interface Executor {
  /** Short name for health and logs: process, docker, kubernetes. */
  readonly name: string
  /** How executions are isolated, in words a person can read; known after `open`. */
  readonly isolation: string
  open(): Promise<void>
  /** Rejects, with what to do about it, when nothing could be started; used by health. */
  check(): Promise<void>
  /** Where `signal` aborts before anything has been started, it may reject with its reason. */
  start(spec: ExecutionSpec, sink: OutputSink, signal?: AbortSignal): Promise<Execution>
  close(): Promise<void>
}

export interface ExecutionSpec {
  /** Unique among live executions: a step's id and attempt. `[A-Za-z0-9-]{1,64}`. */
  id: string
  /** The command; never a shell string made of user input. */
  argv: readonly [string, ...string[]]
  /** Absolute host directory, writable for the command. */
  workspace: string
  /** Directory to start in, relative to the workspace; may not leave it, symlinks resolved. */
  cwd: string
  /** Absolute host directory that outlives the execution, writable; its path is also in `$SLIPWAY_CACHE`. */
  cache: string | null
  /** Further absolute host directories, visible at the same path, read-only. */
  readOnly: readonly string[]
  /** All of the environment; only PATH, HOME, LANG and TMPDIR are added when absent. */
  env: Readonly<Record<string, string>>
  network: 'host' | 'none'
  /** Container image, for executors that have containers; `process` refuses one. */
  image: string | null
  limits: ExecutionLimits
}

export interface ExecutionLimits {
  /** Wall-clock milliseconds from start; then the tree is stopped. */
  timeoutMs: number
  /** Bytes of output; one more and the tree is stopped. */
  outputBytes: number
  /** Bytes of memory of the whole tree; null: none. */
  memoryBytes: number | null
  /** Processes and threads of the whole tree; null: none. */
  pids: number | null
  /** CPU cores, fractions allowed; null: none. */
  cpus: number | null
}

export interface OutputSink {
  /**
   * Takes the next bytes of stdout and stderr, interleaved as they came. The buffer is the
   * sink's to keep. A returned promise holds the command back until it resolves; a rejection
   * stops the execution as `failed`.
   */
  write(chunk: Buffer): void | Promise<void>
}

export interface Execution {
  readonly id: string
  readonly done: Promise<ExecutionResult>
  /** Asks the tree to end (SIGTERM), ends it after `graceMs` (default 5,000; SIGKILL). Repeating is harmless. */
  stop(graceMs?: number): void
}

export interface ExecutionResult {
  /**
   * exited: by itself; signalled: by a signal not ours, or with the exit code that says so of its last
   * command (not every launcher can tell the two apart); stopped: by `stop`; timed_out, output_limit,
   * out_of_memory: by that limit; failed: the executor or its sink broke.
   */
  outcome:
    | 'exited'
    | 'signalled'
    | 'stopped'
    | 'timed_out'
    | 'output_limit'
    | 'out_of_memory'
    | 'failed'
  /** 0..255; 128 + n after signal n, as shells say it; null for `failed` before there was one. */
  exitCode: number | null
  /** One sentence for a person; null for a plain exit. */
  reason: string | null
}

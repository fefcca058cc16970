import type { CheckedSpec } from '../check-spec.ts'

export type IsolationMode = 'bubblewrap' | 'unshare' | 'unisolated'

/** One way to keep a command apart from the host. */
export interface Isolation {
  readonly mode: IsolationMode
  /** In words, for a person. */
  readonly description: string
  /** Whether the command has a pid namespace, whose first process takes all others with it. */
  readonly contained: boolean
  /** Processes of its own that count against the execution's limit of processes. */
  readonly overhead: number
  launch(request: LaunchRequest): Launch
  /** Reads what the launcher has said so far on its status pipe. */
  readStatus(text: string): LaunchStatus
  /**
   * How the launcher ended when it never came to start the command.
   * @param output the first bytes of the output, all of them the launcher's own
   */
  readFailure(output: string): LaunchFailure
}

export interface LaunchRequest {
  spec: CheckedSpec
  /** The command, with what has to be done inside before it. */
  argv: readonly string[]
  /** The command's whole environment. */
  env: Readonly<Record<string, string>>
  /** What `open` of a later server finds the tree by; `NAME=value`. */
  marker: Marker
}

export interface Marker {
  name: string
  value: string
}

export interface Launch {
  file: string
  args: readonly string[]
  cwd: string
  env: Readonly<Record<string, string>>
  /**
   * What the launcher reads on descriptor 3, or null: then it has neither status (4) nor gate (5).
   * With a gate, nothing of the command runs before a byte has come through it.
   */
  input: Buffer | null
}

export interface LaunchStatus {
  /** Host pid of the first process of the pid namespace. */
  init: number | null
  /** The command itself was started. */
  started: boolean
}

export type LaunchFailure =
  | { kind: 'no-command'; exitCode: 126 | 127 }
  | { kind: 'no-sandbox'; reason: string }

/** Descriptors of a launcher with a gate. */
export const inputDescriptor = 3
export const statusDescriptor = 4
export const gateDescriptor = 5

/** The execution's own directories, parents before what lies in them. */
export function listBinds(spec: CheckedSpec): { path: string; write: boolean }[] {
  const binds = new Map<string, boolean>([[spec.workspace, true]])
  if (spec.cache !== null) binds.set(spec.cache, true)
  for (const path of spec.readOnly) if (!binds.has(path)) binds.set(path, false)
  return [...binds]
    .map(([path, write]) => ({ path, write }))
    .toSorted((a, b) => a.path.length - b.path.length)
}

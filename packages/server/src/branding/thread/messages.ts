// What passes between the server and the thread that looks through a tree.

/** A rule as the thread takes it: variables have their values already. */
export interface RuleText {
  pattern: string
  replacement: string
  use_regex: boolean
  files?: readonly string[]
}

export type ThreadQuestion = CheckQuestion | RewriteQuestion

/** What is wrong with these rules? */
export interface CheckQuestion {
  kind: 'check'
  rules: readonly RuleText[]
}

/** Apply these rules to the files below a directory. */
export interface RewriteQuestion {
  kind: 'rewrite'
  directory: string
  rules: readonly RuleText[]
  /** Values of `{{name}}` in replacements. */
  variables: Readonly<Record<string, string>>
  /** What a file is called, beside the one whose place it takes; null: nothing is written. */
  scratch: string | null
  /** Bytes; a larger file is left as it is, and named. */
  maxFileBytes: number
  /** Bytes that a file may grow to. */
  maxGrownBytes: number
  /** Bytes that all files together may grow by. */
  maxGrownTreeBytes: number
  /** Files below the directory. */
  maxFiles: number
  /** What to show of the differences; null: nothing. */
  show: { files: number; bytesPerFile: number; bytes: number } | null
}

export type ThreadMessage =
  /** A pattern is tried on something large: it may be long until the next message. */
  | { kind: 'at'; path: string; rule: number }
  | { kind: 'progress'; done: number; total: number }
  | { kind: 'checked'; problems: RuleProblem[] }
  | { kind: 'rewritten'; result: RewriteResult }

export interface RuleProblem {
  /** JSON pointer below the list of rules, such as `/0/pattern`. */
  path: string
  message: string
}

export interface RewriteResult {
  /** Text files that some rule was for. */
  scanned: number
  /** By path; with a limit on what is shown, no more than those. */
  files: ChangedFile[]
  changed: number
  replacements: number
  /** One of each rule. */
  rules: { replacements: number; files: number }[]
  tooLarge: { count: number; some: string[] }
  /** Names in replacements that have no value; they stay as they are. */
  unknownVariables: string[]
}

export interface ChangedFile {
  path: string
  replacements: number
  /** Unified; only where it was asked for. */
  diff?: string
  truncated?: boolean
}

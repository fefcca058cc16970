import type { Readable, Writable } from 'node:stream'

/** A stream that the command writes to. */
export interface Output {
  /** Resolves when the reader took it, so that nothing piles up in memory. */
  write(text: string): Promise<void>
  readonly isTerminal: boolean
  /** Width in characters; 80 where there is no terminal. */
  columns(): number
  /** Height in lines; 24 where there is no terminal. */
  rows(): number
}

/** Standard input. */
export interface Input {
  readonly isTerminal: boolean
  /** All of it, to its end; at most 1 MiB. */
  readAll(): Promise<string>
  /** One line that is typed and not shown, behind a question. Only for a terminal. */
  readHidden(question: string): Promise<string>
}

/** Everything that a command knows of the world around it. */
export interface Io {
  in: Input
  out: Output
  err: Output
  /** Standard input and output themselves, for a command that speaks a protocol. */
  raw: { in: Readable; out: Writable }
  env: Readonly<Record<string, string | undefined>>
  cwd: string
  /** Aborts at Ctrl-C, SIGTERM and the end of who reads; its reason is an `Interrupted`. */
  signal: AbortSignal
}

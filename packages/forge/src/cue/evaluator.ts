import type { DocumentProblem } from '../parsed-document.ts'

/**
 * Turns CUE into JSON, one file after the other.
 *
 * Lifecycle: starts at the first `evaluate`, ends with `close`, which releases everything and
 * may be called at any time and more than once.
 * Failure: what is wrong with the source, its time and its memory included, is a value;
 * `evaluate` rejects only when the signal it was made with aborts or the evaluator cannot start.
 */
export interface CueEvaluator {
  evaluate(source: string): Promise<CueOutcome>
  close(): Promise<void>
}

export type CueOutcome = { ok: true; json: string } | { ok: false; problem: DocumentProblem }

export interface CueLimits {
  /** Milliseconds for one file. */
  fileMs: number
  /** Milliseconds for all files together, starting the evaluator included. */
  totalMs: number
}

/** The problem of a file that was not evaluated in time. */
export function tookTooLong(ms: number): CueOutcome {
  const message = `The file was not evaluated within ${ms / 1_000} s. Does it build very large lists, or loop?`
  return { ok: false, problem: { path: '', message } }
}

/** The problem of a file that comes when the time of all files is used up. */
export function noTimeLeft(ms: number): CueOutcome {
  const message = `The file was not evaluated: all CUE files together took more than ${ms / 1_000} s.`
  return { ok: false, problem: { path: '', message } }
}

/** What the worker thread says: once that it is ready, then one answer to each source. */
export type WorkerReply =
  | { kind: 'ready' }
  | { kind: 'value'; json: string }
  | { kind: 'error'; message: string }
  /** The evaluator ended (out of memory or stack) and takes no more. */
  | { kind: 'broken'; message: string }

/** Bounds of what one load reads and keeps; each is told to the user where it is met. */
export const limits = {
  projects: 500,
  phases: 50,
  stepsPerTask: 100,
  steps: 5_000,
  fileBytes: 1024 * 1024,
  /** A YAML parser needs up to four seconds for a hostile MiB, and holds its thread meanwhile. */
  yamlBytes: 256 * 1024,
  totalBytes: 8 * 1024 * 1024,
  /** Nesting of objects and lists in one file. */
  depth: 64,
  /** Values in one file, aliases and comprehensions expanded. */
  values: 100_000,
  problemsPerFile: 100,
  problems: 500,
  scriptBytes: 100 * 1024,
  /** One CUE file, the evaluator already running. */
  cueMs: 5_000,
  /** All CUE files of one load, starting the evaluator included. */
  cueTotalMs: 30_000,
} as const

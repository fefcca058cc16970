import { limits } from './limits.ts'

/**
 * One thing wrong with a repository's `.forge` configuration. `path` is a JSON pointer
 * into the file's content ('' is the whole file); `line` counts from 1 and is there
 * where the format tells it (YAML, JSON, and CUE where its evaluator does).
 */
export interface ConfigurationProblem {
  file: string
  path: string
  line?: number
  message: string
}

/** Reports a problem at a JSON pointer of one file. */
export type Report = (pointer: string, message: string, line?: number) => void

export interface ProblemList {
  /** A reporter for one file; `lineOf` finds the line of a pointer. */
  reporter(file: string, lineOf?: (pointer: string) => number | undefined): Report
  /** How many problems were reported, those beyond the limit included. */
  count(): number
  /** Ordered by file and line, at most `limits.problems`; what was left out is said in a last entry of the file. */
  all(): ConfigurationProblem[]
}

export function createProblemList(): ProblemList {
  const problems: ConfigurationProblem[] = []
  const perFile = new Map<string, number>()
  let total = 0

  return {
    reporter: (file, lineOf) => (path, message, line) => {
      total += 1
      const count = (perFile.get(file) ?? 0) + 1
      perFile.set(file, count)
      if (count > limits.problemsPerFile || problems.length >= limits.problems) return
      const at = line ?? lineOf?.(path)
      problems.push({ file, path, ...(at === undefined ? {} : { line: at }), message })
    },
    count: () => total,
    all: () => {
      const sorted = problems.toSorted(
        (a, b) => compareText(a.file, b.file) || (a.line ?? 0) - (b.line ?? 0),
      )
      const hidden = total - problems.length
      const last = sorted.at(-1)
      if (hidden === 0 || last === undefined) return sorted
      const more = `${hidden} more ${hidden === 1 ? 'problem is' : 'problems are'} not shown.`
      return [...sorted, { file: last.file, path: '', message: more }]
    },
  }
}

function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

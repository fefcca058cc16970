import { AppError } from '../errors.ts'
import { refNameProblem } from '../git/index.ts'

/** Throws `invalid_request` where git would not allow the name. */
export function requireRefName(branch: string): void {
  const problem = refNameProblem(branch)
  if (problem === null) return
  throw new AppError('invalid_request', `branch ${problem}`, {
    problems: [{ path: '/branch', message: problem }],
  })
}

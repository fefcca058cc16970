import { hasCode } from '../../directories.ts'
import { AppError } from '../../errors.ts'
import { GitError } from '../../git/index.ts'

/** What a failure of a step means to people, in one sentence; null where nobody foresaw it. */
export function explainFailure(error: unknown): string | null {
  if (error instanceof AppError || error instanceof GitError) return error.message
  const message = error instanceof Error ? error.message : ''
  if (hasCode(error, 'ENOSPC', 'EDQUOT') || /no space left on device/i.test(message)) {
    return 'The disk of the server is full'
  }
  return null
}

import { AppError } from '../errors.ts'

/** Refuses an expiry that has passed. */
export function checkExpiry(expiresAt: string | null | undefined): void {
  if (typeof expiresAt !== 'string' || Date.parse(expiresAt) > Date.now()) return
  const problem = { path: '/expires_at', message: 'must be in the future' }
  throw new AppError(
    'invalid_request',
    `The body is not valid: ${problem.path} ${problem.message}`,
    {
      problems: [problem],
    },
  )
}

import { AppError } from '../errors.ts'
import { repositoriesProblem } from './allow-use.ts'

/** Refuses an expiry that has passed and a list of repositories that is none, both at once. */
export function checkRequest(request: {
  expires_at?: string | null | undefined
  metadata?: Readonly<Record<string, unknown>> | undefined
}): void {
  const { expires_at: expiresAt, metadata = {} } = request
  const problems: { path: string; message: string }[] = []
  if (typeof expiresAt === 'string' && Date.parse(expiresAt) <= Date.now()) {
    problems.push({ path: '/expires_at', message: 'must be in the future' })
  }
  const message = repositoriesProblem(metadata)
  if (message !== null) problems.push({ path: '/metadata/repositories', message })
  if (problems.length === 0) return
  throw new AppError(
    'invalid_request',
    `The body is not valid: ${problems.map((at) => `${at.path} ${at.message}`).join('; ')}`,
    { problems },
  )
}

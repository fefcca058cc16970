import { AppError } from '../errors.ts'
import { DockerRefusal } from './connect-docker.ts'

/** The engine says that there is no such thing. */
export function isMissing(error: unknown): boolean {
  return error instanceof DockerRefusal && error.status === 404
}

/** A refusal of the engine in words of ours; anything else stays as it is. */
export function explainRefusal(error: unknown, what: string): unknown {
  if (!(error instanceof DockerRefusal)) return error
  const codes = {
    400: 'invalid_request',
    404: 'resource_not_found',
    409: 'resource_conflict',
  } as const
  const code = codes[error.status as keyof typeof codes] ?? 'unavailable'
  return new AppError(code, `${what}: ${error.message}`)
}

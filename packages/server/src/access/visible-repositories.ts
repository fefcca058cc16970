import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'

/** Whether the principal may see anything of this repository. */
export function canSee(principal: Principal, repository: string): boolean {
  return principal.repositories === null || principal.repositories.includes(repository)
}

/**
 * Refuses a repository that the caller named itself. What is asked for by an id must be
 * `resource_not_found` instead where `canSee` says no: the id of something hidden does not exist.
 */
export function requireVisible(principal: Principal, repository: string): void {
  if (canSee(principal, repository)) return
  throw new AppError('authorization_failed', `This token is not for the repository ${repository}`, {
    repository,
  })
}

/** Refuses a token that is limited to repositories what belongs to none, or to all; `what` is a plural. */
export function requireUnlimited(principal: Principal, what: string): void {
  if (principal.repositories === null) return
  throw new AppError(
    'authorization_failed',
    `${what} are not for a token that is limited to repositories`,
    { repositories: principal.repositories },
  )
}

import { AppError } from '../errors.ts'
import { parseEventTypes } from '../events/index.ts'
import type { Principal } from '../ports/identity.ts'
import { type TargetGuard, TargetRefused, TargetUnknown } from './check-target.ts'
import { isWithin } from './webhook-rows.ts'

/** Milliseconds that a name may take to be resolved while somebody waits for an answer. */
const resolveMs = 3_000

/**
 * The URL as it is kept. Refuses what may not be reached, by its name's addresses too; a name that has
 * none just now is taken: each delivery looks again. @throws AppError invalid_request
 */
export async function requireTarget(target: TargetGuard, text: string): Promise<string> {
  try {
    const url = target.read(text)
    await target.addresses(url, AbortSignal.timeout(resolveMs))
    return url.href
  } catch (error) {
    if (error instanceof TargetUnknown) return new URL(text).href
    if (!(error instanceof TargetRefused)) throw error
    throw new AppError('invalid_request', `The url cannot be used: ${error.message}`, {
      problems: [{ path: '/url', message: error.message }],
    })
  }
}

/** @throws AppError invalid_request where one matches no event there is */
export function requireEvents(events: readonly string[] | null): string[] | null {
  if (events === null) return null
  parseEventTypes(events.join(','))
  return [...events]
}

/**
 * The repositories as they are kept: of a principal that is limited, "all" are its own.
 * @throws AppError authorization_failed for any that it does not see
 */
export function requireRepositories(
  principal: Principal,
  repositories: readonly string[] | null,
): string[] | null {
  const wanted = repositories ?? principal.repositories
  if (wanted === null) return null
  if (!isWithin(principal, wanted)) {
    const hidden = wanted.filter((name) => !isWithin(principal, [name]))
    throw new AppError('authorization_failed', 'This token is not for all of the repositories', {
      repositories: hidden,
    })
  }
  return [...wanted]
}

import { isAnonymous } from '../access/index.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { freshMs, type MonitorDeps } from './deps.ts'
import {
  isNothingHere,
  listWatched,
  nothingYet,
  requireNameVisible,
  type Watched,
} from './watched.ts'

/**
 * A repository by its name, read through where nobody watches it, but not for those of whom nobody
 * knows who they are. `resource_not_found` where GitHub does not show it to us, `unavailable` where GitHub is away and nothing of it is here.
 */
export async function findRepository(
  deps: MonitorDeps,
  input: { principal: Principal; name: string },
  signal: AbortSignal,
): Promise<Watched> {
  const { principal, name } = input
  requireNameVisible(principal, name)
  const [known] = await listWatched(deps, { principal, name })
  if (known !== undefined && !mustBeRead(known)) {
    if (isNothingHere([known])) throw nothingYet()
    return known
  }
  if (isAnonymous(principal)) throw notThere(name)
  const came = await deps.source.ensureRepository(name, signal)
  if (came === 'away' && known !== undefined) return known
  const [found] = came === 'away' ? [] : await listWatched(deps, { principal, name })
  if (found !== undefined && came !== 'missing') return found
  if (came === 'away') {
    throw new AppError('unavailable', `GitHub cannot be asked about ${name} at the moment`, {
      retry_after_seconds: freshMs / 1000,
    })
  }
  throw notThere(name)
}

function notThere(name: string): AppError {
  return new AppError('resource_not_found', `There is no repository ${name} that we can see`)
}

/** Nobody polls what is here only because somebody asked for it. */
function mustBeRead({ source, polledAt }: Watched): boolean {
  return source === 'read' && (polledAt === null || Date.now() - polledAt.getTime() > freshMs)
}

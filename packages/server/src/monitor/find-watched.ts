import type { Principal } from '../ports/identity.ts'
import type { MonitorDeps } from './deps.ts'
import { findRepository } from './find-repository.ts'
import { isNothingHere, listWatched, nothingYet, type Watched } from './watched.ts'

/**
 * What a question is about: the repository that it names, as `findRepository` says, or all that are
 * watched and that the principal may see. `unavailable` where nothing is here because GitHub is away.
 */
export async function findWatched(
  deps: MonitorDeps,
  { principal, name }: { principal: Principal; name: string | undefined },
  signal: AbortSignal,
): Promise<Watched[]> {
  return name === undefined
    ? listAllWatched(deps, principal)
    : [await findRepository(deps, { principal, name }, signal)]
}

/** All that are watched and that the principal may see; `unavailable` likewise. */
export async function listAllWatched(deps: MonitorDeps, principal: Principal): Promise<Watched[]> {
  const watched = await listWatched(deps, { principal })
  const knowsNone = watched.length === 0 && deps.source.isAway()
  if (knowsNone || isNothingHere(watched)) throw nothingYet()
  return watched
}

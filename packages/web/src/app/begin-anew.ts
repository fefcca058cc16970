import type { Query, QueryClient } from '@tanstack/react-query'
import { forgetDrafts } from '../session/drafts.ts'

const isOther = ({ queryKey: [family] }: Pick<Query, 'queryKey'>) => family !== 'session'

/**
 * Has everything asked for anew in a new session. Where it is somebody else's, nothing of what the one before
 * was shown, or had typed, is kept meanwhile, nor where they are refused it.
 */
export function beginAnew(
  queries: QueryClient,
  people: { before: string | undefined; now: string | undefined },
): void {
  const { before, now } = people
  const isSame = before === undefined || before === now
  if (isSame) void queries.invalidateQueries({ predicate: isOther })
  else {
    forgetDrafts()
    void queries.resetQueries({ predicate: isOther })
  }
}

import { AppError } from '../errors.ts'

/**
 * Refuses (`resource_conflict`) a change to what is not any more as it was at the `updated_at` that the change is
 * made to; a change that names none is never refused. To be called behind the lock of its row.
 */
export function refuseChanged(input: {
  /** For people: "The configuration". */
  what: string
  row: { name: string; updated_at: Date }
  /** As the request says it: `unchanged_since`. */
  since: string | undefined
}): void {
  const { what, row, since } = input
  if (since === undefined || Date.parse(since) === row.updated_at.getTime()) return
  throw new AppError(
    'resource_conflict',
    `${what} ${row.name} was changed at ${row.updated_at.toISOString()}, by somebody else`,
    { changed: true },
  )
}

import { AppError } from '../../../errors.ts'

export interface StreamLimits {
  /** Streams of one principal, beyond which 429. All who hold signed links are one. */
  perPrincipal: number
  /** Streams of this server, beyond which 503. */
  total: number
}

/**
 * Counts open streams, by whom they are and in all. The result of each call ends the count of that
 * stream: call it once.
 */
export function openStreams(limits: StreamLimits): (principalId: string) => () => void {
  const byPrincipal = new Map<string, number>()
  let total = 0
  return (id) => {
    const own = byPrincipal.get(id) ?? 0
    if (own >= limits.perPrincipal) {
      throw new AppError('limit_exceeded', 'Too many open streams for this token.', {
        limit: limits.perPrincipal,
      })
    }
    if (total >= limits.total) {
      throw new AppError('unavailable', 'Too many open streams on this server.')
    }
    byPrincipal.set(id, own + 1)
    total += 1
    return () => {
      total -= 1
      const left = (byPrincipal.get(id) ?? 1) - 1
      if (left > 0) byPrincipal.set(id, left)
      else byPrincipal.delete(id)
    }
  }
}

import { deriveLogLinkKey, logLinkSeconds, signLogLink, verifyLogLink } from './signed-link.ts'

/** Links to step logs that work without a token for 15 minutes. */
export interface LogLinks {
  /** Path and query of the link to a step's log. */
  make(stepId: string): string
  /** Whether this path with this query is such a link, of ours and not expired. */
  verify(link: { path: string; query: Readonly<Record<string, unknown>> }): boolean
}

/** `serverKey` is the same on all servers of one database, or links work on one of them only. */
export function createLogLinks(serverKey: Buffer): LogLinks {
  const key = deriveLogLinkKey(serverKey)
  const now = () => Math.floor(Date.now() / 1000)
  return {
    make: (stepId) =>
      `/v1/steps/${stepId}/logs${signLogLink(key, { stepId, expires: now() + logLinkSeconds })}`,
    verify({ path, query }) {
      const stepId = /^\/v1\/steps\/([0-9a-f-]{36})\/logs$/.exec(path)?.[1]
      const { expires, signature } = query
      if (stepId === undefined || typeof expires !== 'string' || typeof signature !== 'string')
        return false
      return verifyLogLink(key, { stepId, link: { expires, signature }, now: now() }) === 'valid'
    },
  }
}

import { createClient, SlipwayError } from '@slipway/sdk'
import { csrfHeaders } from '../session/csrf.ts'

/**
 * The API of the server that this page came from. The session's cookie goes with every request, and what
 * changes something carries the proof that this page sent it.
 */
export const api = createClient({
  baseUrl: location.origin,
  fetch: (input, init) => {
    const headers = { ...(init?.headers as Record<string, string>), ...csrfHeaders() }
    // A stream that stays open is nothing that the page waits for.
    const priority = headers.accept === 'text/event-stream' ? 'low' : 'auto'
    return fetch(input, { ...init, credentials: 'same-origin', headers, priority })
  },
})

/** What a person is told of a failure. */
export function messageOf(error: unknown): string {
  if (isStatus(error, 401)) return 'You are not signed in any more.'
  return error instanceof Error ? error.message : String(error)
}

export function isStatus(error: unknown, ...statuses: readonly number[]): boolean {
  return error instanceof SlipwayError && statuses.includes(error.status)
}

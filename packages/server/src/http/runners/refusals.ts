import { RunnerApiError } from '@slipway/contract/runner-answers'

/** Response schemas of a route's own refusals: status → when it happens. */
export function refusals<Status extends number>(
  when: Readonly<Record<Status, string>>,
): Record<Status, { description: string; content: object }> {
  const entries = Object.entries<string>(when).map(([status, description]) => [
    status,
    { description, content: { 'application/json': { schema: RunnerApiError } } },
  ])
  return Object.fromEntries(entries) as Record<Status, { description: string; content: object }>
}

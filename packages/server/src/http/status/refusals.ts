import { StatusError } from '@slipway/contract/pipelines'

/** Response schemas of a route's own refusals: status → when it happens. */
export function refusals<Status extends number>(
  when: Readonly<Record<Status, string>>,
): Record<Status, { description: string; content: object }> {
  const entries = Object.entries<string>(when).map(([status, description]) => [
    status,
    { description, content: { 'application/json': { schema: StatusError } } },
  ])
  return Object.fromEntries(entries) as Record<Status, { description: string; content: object }>
}

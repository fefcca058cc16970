import { DelegationStatus } from '@slipway/contract/delegations'

export type JobsPart = 'jobs' | 'classes' | 'runners' | 'workers'

/** What the address of the jobs says. */
export interface JobsSearch {
  tab?: JobsPart
  status?: DelegationStatus
  page?: number
}

const parts: readonly JobsPart[] = ['jobs', 'classes', 'runners', 'workers']
export const jobStatuses: readonly DelegationStatus[] = DelegationStatus.enum

export function jobsSearch(search: Record<string, unknown>): JobsSearch {
  const tab = parts.find((name) => name === search.tab)
  const status = jobStatuses.find((name) => name === search.status)
  return {
    ...(tab === undefined ? {} : { tab }),
    ...(status === undefined ? {} : { status }),
    ...(Number.isSafeInteger(search.page) && Number(search.page) > 1
      ? { page: Number(search.page) }
      : {}),
  }
}

import { BuildStatus } from '@slipway/contract/builds'

export type BuildsPart = 'builds' | 'statistics' | 'repositories' | 'registries' | 'credentials'

/** What the address of the builds says. */
export interface BuildsSearch {
  tab?: BuildsPart
  status?: BuildStatus
  page?: number
}

const parts: readonly BuildsPart[] = [
  'builds',
  'statistics',
  'repositories',
  'registries',
  'credentials',
]
export const buildStatuses: readonly BuildStatus[] = BuildStatus.enum

export function buildsSearch(search: object): BuildsSearch {
  const asked = search as Record<string, unknown>
  const tab = parts.find((name) => name === asked.tab)
  const status = buildStatuses.find((name) => name === asked.status)
  return {
    ...(tab === undefined ? {} : { tab }),
    ...(status === undefined ? {} : { status }),
    ...(Number.isSafeInteger(asked.page) && Number(asked.page) > 1
      ? { page: Number(asked.page) }
      : {}),
  }
}

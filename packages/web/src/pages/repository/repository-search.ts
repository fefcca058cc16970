export type RepositoryTab = 'runs' | 'github' | 'insights'

/** What the address of a repository's page says. */
export interface RepositorySearch {
  tab?: RepositoryTab
  page?: number
  branch?: string
}

const tabs: readonly RepositoryTab[] = ['runs', 'github', 'insights']

export function repositorySearch(search: Record<string, unknown>): RepositorySearch {
  const tab = tabs.find((name) => name === search.tab)
  return {
    ...(tab === undefined ? {} : { tab }),
    ...(Number.isSafeInteger(search.page) && Number(search.page) > 1
      ? { page: Number(search.page) }
      : {}),
    ...(typeof search.branch === 'string' && search.branch !== ''
      ? { branch: search.branch.slice(0, 255) }
      : {}),
  }
}

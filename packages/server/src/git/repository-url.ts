/**
 * Where a repository is fetched from: `<GIT_BASE_URL>/<owner>/<name>.git`.
 * `repository` has passed the contract's RepositoryName, so its two parts hold no separator.
 */
export function repositoryUrl(baseUrl: string, repository: string): string {
  const [owner = '', name = ''] = repository.split('/')
  return `${baseUrl.replace(/\/+$/, '')}/${encodeURIComponent(owner)}/${encodeURIComponent(name)}.git`
}

/**
 * Compiles patterns such as `acme/*` or `*`: a `*` stands for any characters but a slash, and alone
 * for every repository. GitHub's names have no case.
 */
export function matchRepositories(patterns: readonly string[]): (repository: string) => boolean {
  const compiled = patterns.map((pattern) => {
    if (pattern === '*') return /^/
    const parts = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'))
    return new RegExp(`^${parts.join('[^/]*')}$`, 'i')
  })
  return (repository) => compiled.some((pattern) => pattern.test(repository))
}

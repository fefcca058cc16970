/**
 * Who may name a credential in a repository file: `metadata.repositories`. Null where it says nothing;
 * what is no list of repositories is for nobody.
 */
export function repositoriesOf(metadata: unknown): readonly string[] | null {
  const value = (metadata as { repositories?: unknown } | null)?.repositories
  if (value === undefined) return null
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

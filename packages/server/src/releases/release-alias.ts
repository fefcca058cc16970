import type { RepositoryConfig } from '@slipway/forge'
import { AppError } from '../errors.ts'
import { versionOfTag } from '../runs/index.ts'

/** The alias that a release gets by itself, besides its number. */
export interface AutomaticAlias {
  alias: string
  type: 'tag' | 'branch'
}

/**
 * Of a tag the version in it, e.g. `v1.2.3`; of a branch its name and the release's number, e.g.
 * `main-42`, where a slash in the name is a `-`. Null: the tag is not meant for the project.
 */
export function automaticAlias(
  ref: string,
  release: { project: string; number: number },
  tagging: RepositoryConfig['tagging'],
): AutomaticAlias | null {
  if (!ref.startsWith('refs/')) {
    return { alias: `${ref.replaceAll('/', '-')}-${release.number}`, type: 'branch' }
  }
  const version = versionOfTag(ref, tagging, release.project)
  return version === null ? null : { alias: version, type: 'tag' }
}

/** Refuses what would be taken for a number or a commit. Its characters are the contract's business. */
export function requireCustomAlias(alias: string): void {
  const reads = /^\d+$/.test(alias)
    ? 'a release number'
    : /^[0-9a-f]{40}$/i.test(alias)
      ? 'a commit'
      : null
  if (reads === null) return
  const message = `must not read like ${reads}`
  throw new AppError('invalid_request', `The alias ${alias} ${message}`, {
    problems: [{ path: '/alias', message }],
  })
}

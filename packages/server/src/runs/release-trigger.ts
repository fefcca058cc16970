import { compileBranchRegex, type ProjectConfig, type RepositoryConfig } from '@slipway/forge'

/** What of a run decides whether it releases. */
export interface RunOccasion {
  /** Branch, or `refs/tags/x`. */
  branch: string
  triggerType: 'push' | 'pull_request' | 'manual'
  trusted: boolean
}

const tagPrefix = 'refs/tags/'

/**
 * Why a run releases a project, or null. A tag does, whoever asked for its run; a branch only by a
 * push; a pull request never, nor what came from outside of the repository.
 */
export function releaseTrigger(
  occasion: RunOccasion,
  tagging: RepositoryConfig['tagging'],
  project: Pick<ProjectConfig, 'name' | 'release'>,
): 'branch_push' | 'tag' | null {
  const { branch, triggerType, trusted } = occasion
  if (!trusted || triggerType === 'pull_request') return null
  const { on } = project.release
  if (branch.startsWith(tagPrefix)) {
    const wanted = on.some(({ type }) => type === 'tag')
    return wanted && versionOfTag(branch, tagging, project.name) !== null ? 'tag' : null
  }
  if (triggerType !== 'push') return null
  const matches = on.some(
    (trigger) => trigger.type === 'branch' && compileBranchRegex(trigger.branch)(branch),
  )
  return matches ? 'branch_push' : null
}

/**
 * The version in a tag that is meant for the project, e.g. `v1.2.3`: of `<project>/v1.2.3` where
 * tagging is `monorepo`, of `v1.2.3` where it is `tag-all`. Null: the tag means something else.
 */
export function versionOfTag(
  ref: string,
  tagging: RepositoryConfig['tagging'],
  project: string,
): string | null {
  if (!ref.startsWith(tagPrefix)) return null
  const tag = ref.slice(tagPrefix.length)
  const own = tagging.strategy === 'tag-all' ? '' : `${project}/`
  if (!tag.startsWith(`${own}v`)) return null
  const version = tag.slice(own.length)
  return version.length > 1 && !version.includes('/') ? version : null
}

/** Whether the run makes the project's artifacts: because it releases it, or so that somebody can by hand. */
export function makesArtifacts(
  occasion: RunOccasion,
  tagging: RepositoryConfig['tagging'],
  project: Pick<ProjectConfig, 'name' | 'release'>,
): boolean {
  if (releaseTrigger(occasion, tagging, project) !== null) return true
  const { trusted, triggerType } = occasion
  return (
    trusted && triggerType === 'manual' && project.release.on.some(({ type }) => type === 'manual')
  )
}

import type { ReleaseTriggerType } from '@slipway/contract/releases'
import type { EnvironmentConfig, KubernetesResource, RepositoryConfig } from '@slipway/forge'
import type { ReleasedArtifact } from './resolve-resources.ts'

/** Everything about a release but what it gets when it is stored: its id, its number and its aliases. */
export interface ReleaseDraft {
  repository: string
  project: string
  /** The commit's full name. */
  commitSha: string
  runId: string | null
  trigger: {
    type: ReleaseTriggerType
    /** Branch, or `refs/tags/x`; null where nobody said. */
    branch: string | null
    /** Who caused it. */
    by: string
  }
  /** Who asked for it: a token's name, or that of the server's own workers. */
  createdBy: string
  tagging: RepositoryConfig['tagging']
  environments: readonly EnvironmentConfig[]
  artifacts: readonly ReleasedArtifact[]
  /** With every artifact resolved. */
  resources: readonly KubernetesResource[]
}

/** `repository/project/commit-sha`. */
export function canonicalId(
  release: Pick<ReleaseDraft, 'repository' | 'project' | 'commitSha'>,
): string {
  return `${release.repository}/${release.project}/${release.commitSha}`
}

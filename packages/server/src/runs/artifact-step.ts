import type { ArtifactConfig, PublisherConfig } from '@slipway/forge'

/**
 * The one step of an artifact's task, as `steps.definition` keeps it: what is to be produced, and the
 * publishers of the repository file that the artifact names, resolved when the run was planned.
 */
export interface ArtifactStep {
  /** The artifact's name. */
  name: string
  needs: []
  /** For producing and publishing together. */
  timeoutMs: number
  artifact: ArtifactConfig
  publishers: PublisherConfig[]
}

import type { ServerPublisherConfig } from '@slipway/forge'
import type { ObjectStore } from '../../ports/object-store.ts'
import type { Publisher, Publishers } from '../../ports/publisher.ts'
import type { Registries } from '../../ports/registry.ts'
import type { JobClaim } from '../../jobs/index.ts'
import type { ManifestSigner, SigningKey } from '../../signing/index.ts'

/** What producing and publishing artifacts needs besides what every task does. */
export interface ArtifactDeps {
  objects: ObjectStore
  /** Bytes of one artifact, as an archive. */
  artifactLimitBytes: number
  /** Those of the server's settings, which every repository may name. */
  serverPublishers: readonly ServerPublisherConfig[]
  /** Who provenance says has built: a URI, and the program's version. */
  builder: { id: string; version: string }
  /** Where syft is on this machine; null where it is not. */
  findSyft: () => Promise<string | null>
  /** Where one artifact goes, for whoever holds its job. */
  openPlaces: (claim: JobClaim) => ArtifactPlaces
}

/** Where an artifact goes. */
export interface ArtifactPlaces {
  registries: Pick<Registries, 'home'>
  /** Puts every artifact into the home registry. */
  homePublisher: Publisher
  /** Those that configurations may name, by type. */
  publishers: Publishers
  /** Null: nothing is signed. */
  signingKey: SigningKey | ManifestSigner | null
}

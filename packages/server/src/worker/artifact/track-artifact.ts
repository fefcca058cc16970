import { pushArtifact } from '../../oci/index.ts'
import type { ArtifactIdentity } from '../../ports/publisher.ts'
import type { Registry } from '../../ports/registry.ts'
import type { PublishedPlace } from '../../runs/index.ts'
import { provenanceType } from './provenance.ts'

const trackingType = 'application/vnd.forge.artifact.v1+json'
const metadataType = 'application/vnd.forge.artifact.metadata.v1+json'
const statementType = 'application/vnd.in-toto+json'
const sbomType = 'application/vnd.cyclonedx+json'
const title = 'org.opencontainers.image.title'

/** Bytes of a JSON document that people may read. */
const asFile = (value: object) => Buffer.from(`${JSON.stringify(value, null, 2)}\n`)

/**
 * Stores the artifact about an artifact, `<repository>:sha-<commit>`: what it is and where it can be
 * had, its provenance and, where there is one, its SBOM. It refers to the content in the home registry
 * as its subject, so that clients find it from there, too.
 */
export async function trackArtifact(
  registry: Registry,
  input: {
    repository: string
    artifact: ArtifactIdentity
    runId: string
    /** Of the content: an image's manifest, or the file. */
    digest: string
    size: number
    madeAt: Date
    published: readonly PublishedPlace[]
    /** The manifest of the content in the home registry. */
    subject: { mediaType: string; digest: string; size: number }
    provenance: object
    sbom: Buffer | null
  },
  signal: AbortSignal,
): Promise<{ uri: string; digest: string }> {
  const { artifact, repository } = input
  const metadata = {
    name: artifact.name,
    type: artifact.type,
    repository: artifact.repository,
    project: artifact.project,
    commit_sha: artifact.commitSha,
    branch: artifact.ref,
    pipeline_run_id: input.runId,
    digest: input.digest,
    size_bytes: input.size,
    created_at: input.madeAt.toISOString(),
    published: input.published,
  }
  const tag = `sha-${artifact.commitSha}`
  const { digest } = await pushArtifact(
    registry,
    {
      repository,
      artifactType: trackingType,
      layers: [
        {
          mediaType: metadataType,
          content: asFile(metadata),
          annotations: { [title]: 'artifact.json' },
        },
        {
          mediaType: statementType,
          content: asFile(input.provenance),
          annotations: {
            [title]: 'provenance.json',
            'in-toto.io/predicate-type': provenanceType,
          },
        },
        ...(input.sbom === null
          ? []
          : [
              {
                mediaType: sbomType,
                content: input.sbom,
                annotations: { [title]: 'sbom.cdx.json' },
              },
            ]),
      ],
      annotations: {
        [title]: `${artifact.repository}/${artifact.project}/${artifact.name}`,
        'org.opencontainers.image.revision': artifact.commitSha,
        'org.opencontainers.image.created': input.madeAt.toISOString(),
      },
      subject: input.subject,
      tags: [tag],
    },
    signal,
  )
  return { uri: `${registry.base}/${repository}:${tag}`, digest }
}

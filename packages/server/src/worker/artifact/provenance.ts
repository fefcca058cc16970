import type { ArtifactConfig } from '@slipway/forge'
import type { ArtifactIdentity } from '../../ports/publisher.ts'

export const provenanceType = 'https://slsa.dev/provenance/v1'

/** What kind of process `externalParameters` are to be understood by. */
const buildType = 'urn:slipway:run:v1'

/** One thing that was made: a name and `sha256:<hex>`. */
export interface ProvenanceSubject {
  name: string
  digest: string
}

/**
 * An in-toto statement (v1) with SLSA provenance (v1): who made these, out of which commit, by what.
 * Values of variables and secrets are not in it.
 */
export function provenanceStatement(input: {
  subjects: readonly ProvenanceSubject[]
  artifact: ArtifactIdentity
  producer: ArtifactConfig['producer']
  /** `git+https://…`, without credentials. */
  sourceUri: string
  builder: { id: string; version: string }
  runId: string
  triggerType: string
  madeAt: Date
}): object {
  const { artifact, producer, builder } = input
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: input.subjects.map(({ name, digest }) => ({
      name,
      digest: { sha256: digest.replace('sha256:', '') },
    })),
    predicateType: provenanceType,
    predicate: {
      buildDefinition: {
        buildType,
        externalParameters: {
          repository: artifact.repository,
          ref: refOf(artifact.ref),
          commit_sha: artifact.commitSha,
          project: artifact.project,
          artifact: artifact.name,
          trigger_type: input.triggerType,
          producer: {
            path: producer.path,
            ...(producer.command === null
              ? {}
              : { action: producer.command.action, with: producer.command.with }),
          },
        },
        internalParameters: { run_id: input.runId },
        resolvedDependencies: [
          {
            uri: `${input.sourceUri}@${refOf(artifact.ref)}`,
            digest: { gitCommit: artifact.commitSha },
          },
        ],
      },
      runDetails: {
        builder: { id: builder.id, version: { slipway: builder.version } },
        metadata: { invocationId: input.runId, finishedOn: input.madeAt.toISOString() },
      },
    },
  }
}

function refOf(ref: string): string {
  return ref.startsWith('refs/') ? ref : `refs/heads/${ref}`
}

import { buffer } from 'node:stream/consumers'
import { stringify } from 'yaml'
import { ociName, packTarGz, pushArtifact } from '../oci/index.ts'
import type { ReleasesDeps } from './deps.ts'
import { canonicalId, type ReleaseDraft } from './release-draft.ts'

const artifactType = 'application/vnd.forge.release.v1'
const metadataType = 'application/vnd.forge.release.metadata.v1+json'
const resourcesType = 'application/vnd.forge.release.resources.v1.tar+gzip'

/** A release in the registry. */
export interface PushedRelease {
  /** `[registry]/[repository]/[project]:[commit_sha]` */
  uri: string
  digest: string
}

/**
 * Stores a release as an OCI artifact: what it is, and its manifests. The same draft at the same
 * moment has the same digest. It has no number, so that none is held meanwhile; until the release is
 * stored, nobody knows of it.
 */
export async function pushRelease(
  deps: Pick<ReleasesDeps, 'registry' | 'sign'>,
  input: { draft: ReleaseDraft; createdAt: Date },
  signal: AbortSignal,
): Promise<PushedRelease> {
  const { draft } = input
  const { registry, sign } = deps
  const repository = releaseRepository(draft)
  const { digest } = await pushArtifact(
    registry,
    {
      repository,
      artifactType,
      layers: [
        {
          mediaType: metadataType,
          content: Buffer.from(`${JSON.stringify(metadata(input), null, 2)}\n`),
          annotations: { 'org.opencontainers.image.title': 'release.json' },
        },
        {
          mediaType: resourcesType,
          content: await packResources(draft, signal),
          annotations: { 'org.opencontainers.image.title': 'resources.tar.gz' },
        },
      ],
      annotations: {
        'org.opencontainers.image.title': canonicalId(draft),
        'org.opencontainers.image.revision': draft.commitSha,
        'org.opencontainers.image.created': input.createdAt.toISOString(),
      },
      tags: [draft.commitSha],
    },
    signal,
  )
  if (sign !== null) await sign({ repository, digest }, signal)
  return { uri: `${registry.base}/${repository}:${draft.commitSha}`, digest }
}

/** Lets the tag of a release name what the stored release says, where another push was later. */
export async function restoreTag(
  deps: Pick<ReleasesDeps, 'registry'>,
  release: Pick<ReleaseDraft, 'repository' | 'project' | 'commitSha'> & { digest: string },
  signal: AbortSignal,
): Promise<void> {
  const { registry } = deps
  const repository = releaseRepository(release)
  const manifest = await registry.getManifest(repository, release.digest, signal)
  if (manifest === null) return
  const { mediaType, content } = manifest
  await registry.putManifest(repository, { mediaType, content, tags: [release.commitSha] }, signal)
}

function releaseRepository(release: Pick<ReleaseDraft, 'repository' | 'project'>): string {
  return ociName(release.repository, release.project)
}

function metadata({ draft, createdAt }: { draft: ReleaseDraft; createdAt: Date }): object {
  const { repository, project, commitSha, runId, trigger, createdBy, artifacts } = draft
  return {
    canonical_id: canonicalId(draft),
    repository,
    project,
    commit_sha: commitSha,
    created_at: createdAt.toISOString(),
    created_by: createdBy,
    pipeline_run_id: runId,
    trigger: {
      trigger_type: trigger.type,
      ...(trigger.branch === null ? {} : { branch: trigger.branch }),
      triggered_by: trigger.by,
    },
    artifacts,
  }
}

/** One file for each manifest, in their order. */
async function packResources({ resources }: ReleaseDraft, signal: AbortSignal): Promise<Buffer> {
  const files = resources.map((resource, index) => {
    const words = [String(index + 1).padStart(3, '0'), resource.kind, resource.metadata.name]
    const name = words.map((word) => word.toLowerCase().replaceAll(/[^a-z0-9.]+/g, '-')).join('-')
    return { name: `${name.slice(0, 90)}.yaml`, content: stringify(resource, { lineWidth: 0 }) }
  })
  return buffer(packTarGz({ files }, signal))
}

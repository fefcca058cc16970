import { AppError } from '../../../errors.ts'
import { type GitHub, GitHubError, type GitHubFailure } from '../../../ports/github.ts'
import type { ArtifactContent, ArtifactIdentity, Publisher } from '../../../ports/publisher.ts'
import { requireFile, textKey } from '../publication-path.ts'

const tagPrefix = 'refs/tags/'

/**
 * Publishes to the GitHub release of the tag that a run is for, which is made unless it is there. A run
 * of a branch publishes nothing. A file of the same name and content stays; one with other content
 * fails the publication, and what an upload left unfinished is removed.
 */
export function createGithubPublisher(deps: {
  /** GitHub with a stored credential, null: with the server's own, for one repository there. */
  openGitHub: (
    credential: string | null,
    use: { repository: string; askedBy: string | null },
  ) => Promise<GitHub>
}): Publisher {
  return {
    async publish(publication, signal) {
      const content = requireFile(publication)
      const { artifact, credential, askedBy } = publication
      if (!artifact.ref.startsWith(tagPrefix)) {
        return { skipped: `${artifact.ref} is a branch, and assets belong to the release of a tag` }
      }
      const tag = artifact.ref.slice(tagPrefix.length)
      const repository = textKey(publication, 'repository') ?? artifact.repository
      try {
        const github = await deps.openGitHub(credential, { repository, askedBy })
        const release = await github.ensureRelease(
          repository,
          {
            tag,
            commitSha: artifact.commitSha,
            name: tag,
            notes: '',
            listChanges: true,
            prerelease: /-[0-9A-Za-z.-]+$/.test(tag.replace(/^.*\//, '')),
          },
          signal,
        )
        const name = assetName(artifact, tag, content)
        const assets = await github.listReleaseAssets(repository, release.id, signal)
        const there = assets.find((asset) => asset.name === name)
        if (there?.uploaded === true) {
          const isSame =
            there.digest === null
              ? there.size === content.size
              : there.digest.toLowerCase() === content.digest
          if (isSame) return { uri: there.url, digest: content.digest }
          throw new AppError(
            'resource_conflict',
            `The release ${tag} of ${repository} has another file ${name} already`,
          )
        }
        if (there !== undefined) await github.deleteReleaseAsset(repository, there.id, signal)
        const { mediaType, size, open } = content
        const upload = { release, name, mediaType, size, open }
        const { url } = await github.uploadReleaseAsset(repository, upload, signal)
        return { uri: url, digest: content.digest }
      } catch (error) {
        signal.throwIfAborted()
        throw error instanceof GitHubError
          ? new AppError(codes[error.reason], error.message)
          : error
      }
    },
  }
}

const codes = {
  away: 'unavailable',
  limited: 'unavailable',
  refused: 'authorization_failed',
  missing: 'resource_not_found',
  invalid: 'invalid_request',
} as const satisfies Record<GitHubFailure, string>

/** One tag may release several projects (`tag-all`): their files are told apart by the project's name. */
function assetName(
  { project }: ArtifactIdentity,
  tag: string,
  { fileName }: Extract<ArtifactContent, { kind: 'file' }>,
): string {
  return tag.startsWith(`${project}/`) ? fileName : `${project}-${fileName}`
}

import { AppError } from '../../../errors.ts'
import { ociName, pushArtifact } from '../../../oci/index.ts'
import type { Publication, Publisher } from '../../../ports/publisher.ts'
import type { Registries, Registry } from '../../../ports/registry.ts'

/** `org.opencontainers.image.title` is the name that clients save a layer under. */
const titleAnnotation = 'org.opencontainers.image.title'
const revisionAnnotation = 'org.opencontainers.image.revision'

/**
 * Publishes to container registries: images as they are, files as artifacts with one layer, in
 * `<registry>/<repository>/<project>/<artifact>`, tagged with the commit.
 */
export function createOciPublisher(deps: { registries: Registries }): Publisher {
  return {
    async publish(publication, signal) {
      const { registry } = publication.with
      if (typeof registry !== 'string')
        throw new AppError('invalid_request', 'It names no registry')
      const { credential, askedBy } = publication
      const opened = await deps.registries.open({ registry, credential, askedBy })
      return publishToRegistry(opened, publication, signal)
    },
  }
}

/** Publishes to the home registry, whatever the configuration says. */
export function createHomePublisher(deps: { registries: Pick<Registries, 'home'> }): Publisher {
  return {
    publish: (publication, signal) => publishToRegistry(deps.registries.home, publication, signal),
  }
}

async function publishToRegistry(
  registry: Registry,
  { artifact, content }: Pick<Publication, 'artifact' | 'content'>,
  signal: AbortSignal,
) {
  const repository = ociName(artifact.repository, artifact.project, artifact.name)
  const tags = [artifact.commitSha]
  const { digest } =
    content.kind === 'image'
      ? await content.push(registry, { repository, tags }, signal)
      : await pushArtifact(
          registry,
          {
            repository,
            artifactType: `application/vnd.forge.${artifact.type}.v1`,
            layers: [
              {
                mediaType: content.mediaType,
                content: { digest: content.digest, size: content.size, open: content.open },
                annotations: { [titleAnnotation]: content.fileName },
              },
            ],
            annotations: { [revisionAnnotation]: artifact.commitSha },
            tags,
          },
          signal,
        )
  const uri = `${registry.base}/${repository}@${digest}`
  return { uri, digest, signable: { registry, repository } }
}

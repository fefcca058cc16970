import { AppError } from '../../errors.ts'
import type { ArtifactContent, ArtifactIdentity, Publication } from '../../ports/publisher.ts'

type FileContent = Extract<ArtifactContent, { kind: 'file' }>

/**
 * Where a file goes in places that are folders:
 * `<owner>/<name>/<project>/<commit>/<artifact>/<first 16 digits of its SHA-256>/<file>`, so that a place
 * holds one content for ever, also where a commit is built twice. Names of repositories, projects and
 * artifacts hold nothing that leads elsewhere; a file's name is whatever a step chose.
 */
export function publicationPath(artifact: ArtifactIdentity, content: FileContent): string {
  const { fileName } = content
  if (!/^[^/\\\p{Cc}]{1,200}$/u.test(fileName) || fileName === '.' || fileName === '..') {
    throw new AppError('invalid_request', `It cannot have the name ${JSON.stringify(fileName)}`)
  }
  const { repository, project, commitSha, name } = artifact
  const digest = content.digest.slice('sha256:'.length, 'sha256:'.length + 16)
  return `${repository}/${project}/${commitSha}/${name}/${digest}/${fileName}`
}

/** Refuses images, which only registries take. */
export function requireFile({ content, artifact }: Publication): FileContent {
  if (content.kind === 'file') return content
  throw new AppError(
    'invalid_request',
    `${artifact.name} is a container, which only publishers of type oci take`,
  )
}

/** A key of the publisher's that is a text; null where it is absent. */
export function textKey({ with: keys }: Pick<Publication, 'with'>, name: string): string | null {
  const value = keys[name]
  return typeof value === 'string' ? value : null
}

import { AppError } from '../../errors.ts'
import { isDigest, isOciName, isTag } from '../../oci/index.ts'

/** AppError `invalid_request` unless it is a repository that `ociName` could have made. */
export function requireName(repository: string): void {
  if (!isOciName(repository)) refuse('an OCI repository', repository)
}

/** AppError `invalid_request` unless it is `sha256:` and 64 hexadecimal digits. */
export function requireDigest(digest: string): void {
  if (!isDigest(digest)) refuse('a digest', digest)
}

/** AppError `invalid_request` unless all are tags. */
export function requireTags(tags: readonly string[]): void {
  for (const tag of tags) if (!isTag(tag)) refuse('a tag', tag)
}

function refuse(what: string, text: string): never {
  throw new AppError('invalid_request', `${JSON.stringify(text.slice(0, 200))} is not ${what}`)
}

import { AppError } from '../../errors.ts'
import { isOciName, isTag, ociName } from '../../oci/index.ts'
import type { BuildAttempt } from '../../builds/index.ts'

/** The image of the official repository, as the documents call it. */
const officialName = 'open-webui-custom'
const suffix = '-custom'
/** Characters of a repository's name that go into that of its image. */
const mostOfName = 40

/**
 * `name:tag` of a build's image: what was asked for, else the repository's name with `-custom` and the
 * time as YYYYMMDD_HHMMSS (UTC). AppError `invalid_request` when what was asked for is no such name.
 */
export function imageNameOf(attempt: Pick<BuildAttempt, 'image' | 'repository'>, at: Date): string {
  const { name, tag } = attempt.image
  if (name !== null && !isOciName(name)) {
    throw new AppError(
      'invalid_request',
      `image_name ${JSON.stringify(name)} is not the name of an image: lower-case letters, digits, ".", "_" and "-", in parts separated by "/"`,
    )
  }
  if (tag !== null && !isTag(tag)) {
    throw new AppError(
      'invalid_request',
      `image_tag ${JSON.stringify(tag)} is not a tag: up to 128 letters, digits, ".", "_" and "-"`,
    )
  }
  return `${name ?? ownName(attempt.repository)}:${tag ?? timeTag(at)}`
}

function ownName({ name, isOfficial }: BuildAttempt['repository']): string {
  if (isOfficial) return officialName
  const last = name.split('/').findLast((part) => part !== '') ?? ''
  const readable = last
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
    .join('-')
    .slice(0, mostOfName)
    .replace(/-$/, '')
  // A name of nothing that images' names may have still is one of its own.
  return `${readable === '' ? ociName(last) : readable}${suffix}`
}

function timeTag(at: Date): string {
  const [day = '', time = ''] = at.toISOString().split(/[T.]/)
  return `${day.replaceAll('-', '')}_${time.replaceAll(':', '')}`
}

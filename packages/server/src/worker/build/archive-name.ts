import type { BuildAttempt } from '../../builds/index.ts'

/** Of the official repository, as the documents call its archives. */
const officialName = 'open_webui'
/** Characters of a repository's name that go into that of its archive. */
const mostOfName = 80

/**
 * What the archive of a build is called: `<name>_custom_YYYYMMDD_HHMMSS.zip`, in UTC. Of the name, what
 * every file system and object store takes.
 */
export function archiveName(
  { name, isOfficial }: Pick<BuildAttempt['repository'], 'name' | 'isOfficial'>,
  at: Date,
): string {
  const last = name.split('/').findLast((part) => part !== '') ?? ''
  const plain = last
    .replaceAll(/[^A-Za-z0-9.-]+/g, '_')
    .replace(/^[._-]+/, '')
    .slice(0, mostOfName)
    .replace(/[._-]+$/, '')
  const readable = isOfficial ? officialName : plain === '' ? 'repository' : plain
  const [day = '', time = ''] = at.toISOString().split(/[T.]/)
  return `${readable}_custom_${day.replaceAll('-', '')}_${time.replaceAll(':', '')}.zip`
}

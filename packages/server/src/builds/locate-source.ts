import type { BuildRepositoryInfo } from '@slipway/contract/builds'
import { locateRepository, locateUrl } from '../repositories/index.ts'
import type { BuildRow } from './build-rows.ts'
import type { BuildAttempt } from './build-work.ts'
import type { BuildsDeps } from './deps.ts'

/**
 * Where a build's repository is and how to get in, or in a sentence why it cannot be had. One that has got
 * another name or place since the build was made is not built: whoever may see the build may not see that.
 */
export async function locateSource(
  deps: Pick<BuildsDeps, 'db' | 'repositories' | 'official'>,
  build: BuildRow,
): Promise<{ ok: true; repository: BuildAttempt['repository'] } | { ok: false; problem: string }> {
  const info = build.repository_info as BuildRepositoryInfo
  if (info.id === null) {
    const { url, branch } = deps.official
    const place = { repository: info.name, url, credentialId: null, hostKeys: null }
    const location = await locateUrl(deps.repositories, place)
    if (!location.ok) return { ok: false, problem: location.message }
    const { remote } = location
    const ref = build.ref ?? branch
    return { ok: true, repository: { name: info.name, isOfficial: true, remote, ref } }
  }
  const row = await deps.db
    .selectFrom('repositories')
    .select(['name', 'repository_url', 'default_branch'])
    .where('id', '=', info.id)
    .executeTakeFirst()
  if (row === undefined) return { ok: false, problem: 'Its repository has been deleted' }
  if (row.name !== info.name || row.repository_url !== info.url) {
    return { ok: false, problem: 'Its repository has got another name or URL since it was made' }
  }
  const location = await locateRepository(deps.repositories, { repository: row.name })
  if (!location.ok) return { ok: false, problem: location.message }
  const { remote } = location
  const ref = build.ref ?? row.default_branch
  return { ok: true, repository: { name: row.name, isOfficial: false, remote, ref } }
}

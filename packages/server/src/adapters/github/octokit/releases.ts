import type { GitHub, GitHubRelease } from '../../../ports/github.ts'
import { answerOf, type Call, type GitHubCalls } from './call-github.ts'
import { expectId, expectText } from './expect.ts'
import { hasErrorCode } from './explain-failure.ts'

type ReleaseCalls = Pick<GitHub, 'findRelease' | 'ensureRelease' | 'updateRelease'>

export function releaseCalls({ call }: GitHubCalls): ReleaseCalls {
  const find: ReleaseCalls['findRelease'] = (repository, tag, signal) => {
    const about = { repository, what: `Release of ${tag}`, signal, absent: [404] }
    return call(about, async (request, at) => {
      const { data } = await request('GET /repos/{owner}/{repo}/releases/tags/{tag}', {
        ...at,
        tag,
      })
      return toRelease(data)
    })
  }
  const create = (about: Call, release: Parameters<ReleaseCalls['ensureRelease']>[1]) =>
    call(about, async (request, at) => {
      try {
        const { data } = await request('POST /repos/{owner}/{repo}/releases', {
          ...at,
          tag_name: release.tag,
          target_commitish: release.commitSha,
          name: release.name,
          body: release.notes,
          prerelease: release.prerelease,
          generate_release_notes: release.listChanges,
          // By date and version: a fix of an old version is not the latest release.
          make_latest: 'legacy',
        })
        return toRelease(data)
      } catch (error) {
        const answer = answerOf(error)
        const isThere = answer?.status === 422 && hasErrorCode(answer.body, 'already_exists')
        if (isThere) return null
        throw error
      }
    })
  return {
    findRelease: find,
    async ensureRelease(repository, release, signal) {
      const about = { repository, what: `Release of ${release.tag}`, signal }
      const found = (await find(repository, release.tag, signal)) ?? (await create(about, release))
      if (found !== null) return found
      // Somebody else has made it since we looked.
      return call(about, async (request, at) => {
        const { data } = await request('GET /repos/{owner}/{repo}/releases/tags/{tag}', {
          ...at,
          tag: release.tag,
        })
        return toRelease(data)
      })
    },
    async updateRelease(repository, { id, notes }, signal) {
      await call({ repository, what: `Release ${id}`, signal }, async (request, at) => {
        const { data } = await request('PATCH /repos/{owner}/{repo}/releases/{release_id}', {
          ...at,
          release_id: id,
          body: notes,
        })
        expectId(data)
      })
    },
  }
}

function toRelease(data: {
  id: number
  html_url: string
  body?: string | null
  upload_url: string
}): GitHubRelease {
  return {
    id: expectId(data),
    url: expectText(data.html_url),
    notes: data.body ?? '',
    uploadUrl: expectText(data.upload_url),
  }
}

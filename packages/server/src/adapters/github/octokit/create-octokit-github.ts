import type { GitHub } from '../../../ports/github.ts'
import { callGitHub, type GitHubCalls, type OctokitOptions } from './call-github.ts'
import { deploymentCalls } from './deployments.ts'
import { expectId, expectText } from './expect.ts'
import { releaseAssetCalls } from './release-assets.ts'
import { releaseCalls } from './releases.ts'

/**
 * GitHub by octokit. Few requests are under way at once; behind a limit of GitHub's, calls for the
 * same account fail at once until it has passed.
 */
export function createOctokitGitHub(
  options: OctokitOptions,
  calls: GitHubCalls = callGitHub(options),
): GitHub {
  return {
    apiUrl: options.apiUrl,
    ...commitCalls(calls),
    ...deploymentCalls(calls),
    ...releaseCalls(calls),
    ...releaseAssetCalls(calls),
  }
}

function commitCalls({ call }: GitHubCalls): Pick<GitHub, 'createCommitStatus' | 'findCommit'> {
  return {
    createCommitStatus(repository, status, signal) {
      const { commitSha: sha, state, context, description, targetUrl } = status
      return call({ repository, what: `Status of ${sha}`, signal }, async (request, at) => {
        const { data } = await request('POST /repos/{owner}/{repo}/statuses/{sha}', {
          ...at,
          sha,
          state,
          context,
          description,
          target_url: targetUrl,
        })
        expectId(data)
      })
    },
    findCommit(repository, ref, signal) {
      const about = { repository, what: `Commit of ${ref}`, signal }
      // 422: no such ref, where the repository is there.
      return call({ ...about, absent: [404, 422] }, async (request, at) => {
        const { data } = await request('GET /repos/{owner}/{repo}/commits/{ref}', { ...at, ref })
        return expectText(data.sha, /^[0-9a-f]{40}$/)
      })
    },
  }
}

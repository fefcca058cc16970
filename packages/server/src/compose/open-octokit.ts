import { createOctokitActions } from '../adapters/github/octokit/actions.ts'
import { callGitHub } from '../adapters/github/octokit/call-github.ts'
import { createOctokitRunners } from '../adapters/github/octokit/runners.ts'
import { createOctokitGitHub } from '../adapters/github/octokit/create-octokit-github.ts'
import type { RequestObserver } from '../adapters/github/octokit/keep-limits.ts'
import type { Config } from '../config/read-config.ts'
import type { GitHub } from '../ports/github.ts'
import type { GitHubActions } from '../ports/github-actions.ts'
import type { GitHubRunners } from '../ports/github-runners.ts'

/** GitHub by its API, its ports within the same limits; null: there is nothing to ask it with. */
export function openOctokit(
  config: Config,
  version: string,
  observe: RequestObserver,
): { github: GitHub; actions: GitHubActions; runners: GitHubRunners } | null {
  const { apiUrl, credential } = config.github
  if (credential === null) return null
  const options = { apiUrl, credential, version, observe }
  const calls = callGitHub(options)
  return {
    github: createOctokitGitHub(options, calls),
    actions: createOctokitActions(calls),
    runners: createOctokitRunners(calls),
  }
}

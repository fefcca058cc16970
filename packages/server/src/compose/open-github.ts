import type { Logger } from 'pino'
import { createOctokitGitHub } from '../adapters/github/octokit/create-octokit-github.ts'
import type { Config } from '../config/read-config.ts'
import type { UnitOfWorkDeps } from '../db/unit-of-work.ts'
import type { EventFeed } from '../events/index.ts'
import {
  type GithubDeps,
  matchRepositories,
  type RunningGithub,
  startGithub,
} from '../github/index.ts'
import type { Resources } from '../resources.ts'

/**
 * GitHub, where the settings say how; `start` begins to act on deliveries and to tell it what happens,
 * once it is known where clients reach us.
 */
export function openGithub(
  config: Config,
  log: Logger,
  opened: {
    unitOfWork: UnitOfWorkDeps
    feed: EventFeed
    /** Id of this process's worker. */
    holder: string
    version: string
  },
  resources: Resources,
): { github: GithubDeps; start(publicUrl: string): void } {
  const { unitOfWork, feed, holder, version } = opened
  const { db, wakeEvents, wakeJobs } = unitOfWork
  const { apiUrl, credential, webhookSecret, webhookRepositories } = config.github
  const port = credential === null ? null : createOctokitGitHub({ apiUrl, credential, version })
  let running: RunningGithub | null = null
  const github: GithubDeps = {
    db,
    wakeEvents,
    wakeJobs,
    webhookSecret,
    wants: matchRepositories(webhookRepositories),
    github: port,
    wakeDeliveries: () => running?.wakeDeliveries(),
    wakeReports: () => running?.wakeReports(),
  }
  log.info(
    {
      reports: credential === null ? 'off: neither GITHUB_TOKEN nor a GitHub App is set' : apiUrl,
      webhook: webhookSecret === null ? 'off: GITHUB_WEBHOOK_SECRET is not set' : 'on',
    },
    'GitHub',
  )
  return {
    github,
    start(publicUrl) {
      running = startGithub({ ...github, log, holder, feed, publicUrl: () => publicUrl })
      resources.add('github', running, (started) => started.close())
    },
  }
}

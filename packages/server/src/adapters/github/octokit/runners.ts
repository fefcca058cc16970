import type { Conditional } from '../../../ports/github-actions.ts'
import type { GitHubRunners, UnfinishedRun } from '../../../ports/github-runners.ts'
import { readRun } from '../../../ports/read-github-actions.ts'
import {
  readJitConfiguration,
  readQueueJob,
  readRunner,
} from '../../../ports/read-github-runners.ts'
import { allPages, everyOne, ifNoneMatch, whole } from './actions.ts'
import { answerOf, type Call, type GitHubCalls } from './call-github.ts'

const pageSize = 100
const mostRunPages = 3
/** The group that every repository has: groups are an organisation's. */
const defaultGroup = 1
const workFolder = '_work'

interface Page {
  total: number
  items: unknown[]
  etag: string | null
}

/** GitHub's self-hosted runners by octokit. */
export function createOctokitRunners({ call }: Pick<GitHubCalls, 'call'>): GitHubRunners {
  /** Asks for a list; the first page alone cannot say that a later one has not changed. */
  const conditionally = async <T extends { id: number }>(
    about: Pick<Call, 'repository' | 'what' | 'signal'>,
    read: (item: unknown) => T | null,
    ask: (request: Request, at: At, page: number) => Promise<Page>,
  ): Promise<Conditional<T[]>> =>
    (await call({ ...about, reads: true, absent: [304] }, async (request, at) => {
      let etag: string | null = null
      const value = await allPages(async (page) => {
        const found = await ask(request, at, page)
        if (page === 1 && found.total <= pageSize) ({ etag } = found)
        return { total: found.total, items: everyOne(found.items, read) }
      })
      return { changed: true, value, etag } as const
    })) ?? { changed: false }

  return {
    listRuns(repository, { status, etag }, signal) {
      const about = { repository, what: `Workflow runs of ${repository} (${status})`, signal }
      return conditionally(about, readUnfinishedRun, async (request, at, page) => {
        const { data, headers } = await request('GET /repos/{owner}/{repo}/actions/runs', {
          ...at,
          status,
          exclude_pull_requests: true,
          per_page: pageSize,
          page,
          headers: ifNoneMatch(page === 1 ? etag : null),
        })
        const items = data.workflow_runs
        // Its count is that of a search, which may lag behind; of more than the newest some are enough.
        const total = items.length < pageSize ? 0 : mostRunPages * pageSize
        return { total, items, etag: headers.etag ?? null }
      })
    },
    listJobs(repository, { runId, attempt, etag }, signal) {
      const about = { repository, what: `Jobs of workflow run ${runId}`, signal }
      const readOne = (item: unknown) => {
        const job = readQueueJob(item)
        return job === null ? null : { ...job, attempt }
      }
      return conditionally(about, readOne, async (request, at, page) => {
        const { data, headers } = await request(
          'GET /repos/{owner}/{repo}/actions/runs/{run_id}/attempts/{attempt_number}/jobs',
          {
            ...at,
            run_id: runId,
            attempt_number: attempt,
            per_page: pageSize,
            page,
            headers: ifNoneMatch(page === 1 ? etag : null),
          },
        )
        return { total: data.total_count, items: data.jobs, etag: headers.etag ?? null }
      })
    },
    getJob(repository, jobId, signal) {
      const about = { repository, what: `Job ${jobId}`, signal, reads: true, absent: [404] }
      return call(about, async (request, at) => {
        const { data } = await request('GET /repos/{owner}/{repo}/actions/jobs/{job_id}', {
          ...at,
          job_id: jobId,
        })
        return whole(readQueueJob(data))
      })
    },
    createJitConfiguration(repository, { name, labels }, signal) {
      const about = {
        repository,
        what: `Registration of ${name}`,
        signal,
        absent: [409],
        urgent: true,
      }
      return call(about, async (request, at) => {
        const { data } = await request(
          'POST /repos/{owner}/{repo}/actions/runners/generate-jitconfig',
          {
            ...at,
            name,
            runner_group_id: defaultGroup,
            labels: [...labels],
            work_folder: workFolder,
          },
        )
        return whole(readJitConfiguration(data))
      })
    },
    listRunners(repository, etag, signal) {
      const about = { repository, what: `Runners of ${repository}`, signal }
      return conditionally(about, readRunner, async (request, at, page) => {
        const { data, headers } = await request('GET /repos/{owner}/{repo}/actions/runners', {
          ...at,
          per_page: pageSize,
          page,
          headers: ifNoneMatch(page === 1 ? etag : null),
        })
        return { total: data.total_count, items: data.runners, etag: headers.etag ?? null }
      })
    },
    async findRunner(repository, name, signal) {
      const about = { repository, what: `Runner ${name}`, signal, reads: true }
      const found = await call(about, async (request, at) => {
        const { data } = await request('GET /repos/{owner}/{repo}/actions/runners', {
          ...at,
          name,
          per_page: pageSize,
        })
        return everyOne(data.runners, readRunner)
      })
      // A GitHub that does not know the parameter answers with all.
      return found.find((runner) => runner.name === name) ?? null
    },
    deleteRunner(repository, runnerId, signal) {
      const about = { repository, what: `Removal of runner ${runnerId}`, signal }
      return call(about, async (request, at) => {
        try {
          await request('DELETE /repos/{owner}/{repo}/actions/runners/{runner_id}', {
            ...at,
            runner_id: runnerId,
          })
          return 'deleted'
        } catch (error) {
          const status = answerOf(error)?.status
          if (status === 404) return 'gone'
          if (status === 422) return 'busy'
          throw error
        }
      })
    },
  }
}

type Work = Parameters<GitHubCalls['call']>[1]
type Request = Parameters<Work>[0]
type At = Parameters<Work>[1]

function readUnfinishedRun(value: unknown): UnfinishedRun | null {
  const run = readRun(value)
  if (run === null) return null
  const { id, attempt, event, actor } = run
  return { id, attempt, event, actor }
}

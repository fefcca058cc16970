import type { RunsPage } from '../../../ports/github-actions.ts'
import { readRepository, readRepositoryName, readRun } from '../../../ports/read-github-actions.ts'
import { everyOne, whole } from '../octokit/actions.ts'
import { expectCount, expectList, NonsenseAnswer } from '../octokit/expect.ts'
import { McpFailure } from './mcp-failure.ts'

/**
 * A page of runs as a tool answers it. Newer releases of the server leave the repository out: then it is
 * null, and the runs' addresses must lie in the repository that was asked about, else it was renamed, and
 * only the API says whose they are.
 */
export function toRunsPage(data: Readonly<Record<string, unknown>>, asked: string): RunsPage {
  const given = expectList(data['workflow_runs'] as unknown[])
  const runs = everyOne(given, readRun)
  const total = expectCount(data['total_count'])
  const owners = given.map((run) => (run as { repository?: unknown }).repository)
  if (owners.every((owner) => owner == null)) {
    const elsewhere = runs.some(({ url }) => ownerIn(url)?.toLowerCase() !== asked.toLowerCase())
    if (elsewhere) throw new McpFailure('missing_tool', 'runs that are not said whose they are')
    return { total, runs, repository: null }
  }
  const [first, ...others] = owners.map((owner) => whole(readRepository(owner)))
  if (others.some(({ id }) => id !== first?.id)) {
    throw new NonsenseAnswer('runs of several repositories')
  }
  return { total, runs, repository: first ?? null }
}

/** owner/name in the address of a run's page. */
function ownerIn(url: string): string | null {
  const [, owner, name] = URL.canParse(url) ? new URL(url).pathname.split('/') : []
  return readRepositoryName(`${owner}/${name}`)
}

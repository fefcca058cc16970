import type {
  ListPullRequestsResponse,
  PullRequest,
  PullRequestStatus,
} from '@slipway/contract/github'
import type { Kysely } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { Principal } from '../ports/identity.ts'

export interface ListPullRequestsInput {
  principal: Principal
  repository?: string | undefined
  status?: PullRequestStatus | undefined
  limit: number
  offset: number
}

/** Forks' pull requests of the repositories that the caller may see, newest first. */
export async function listPullRequests(
  deps: { db: Kysely<Tables> },
  input: ListPullRequestsInput,
): Promise<ListPullRequestsResponse> {
  const { principal, repository, status, limit, offset } = input
  const rows = await deps.db
    .selectFrom('github_pull_requests')
    .selectAll()
    .$if(principal.repositories !== null, (query) =>
      query.where('repository', '=', (expression) =>
        expression.fn.any(expression.val([...(principal.repositories ?? [])])),
      ),
    )
    .$if(repository !== undefined, (query) => query.where('repository', '=', repository ?? ''))
    .$if(status !== undefined, (query) => query.where('status', '=', status ?? 'waiting'))
    .orderBy('ordinal', 'desc')
    // One more tells whether there are more.
    .limit(limit + 1)
    .offset(offset)
    .execute()
  const found = rows.slice(0, limit).map((row): PullRequest => ({
    id: row.id,
    repository: row.repository,
    number: row.number,
    title: row.title,
    author: row.author,
    head_repository: row.head_repository,
    head_ref: row.head_ref,
    commit_sha: row.commit_sha,
    status: row.status,
    received_at: row.received_at.toISOString(),
    decided_at: row.decided_at?.toISOString() ?? null,
    decided_by: row.decided_by,
    run_id: row.run_id,
  }))
  return { pull_requests: found, limit, offset, has_more: rows.length > limit }
}

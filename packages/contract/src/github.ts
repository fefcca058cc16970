import Type, { type Static } from 'typebox'
import { Limit, NullableTimestamp, Offset, RepositoryName, Timestamp, Uuid } from './fields.ts'

/** What became of a delivery of GitHub's webhook. */
export const GithubDeliveryAnswer = Type.Object(
  {
    delivery_id: Type.String({ description: 'X-GitHub-Delivery.' }),
    status: Type.Enum(['accepted', 'ignored', 'duplicate'], {
      description:
        'accepted: it is stored and will be acted on; ignored: it asks for nothing; duplicate: it came before.',
    }),
    reason: Type.Optional(Type.String({ description: 'Why it is ignored.' })),
  },
  { $id: 'GithubDeliveryAnswer' },
)
export type GithubDeliveryAnswer = Static<typeof GithubDeliveryAnswer>

export const PullRequestStatus = Type.Enum(['waiting', 'approved', 'superseded', 'closed'])
export type PullRequestStatus = Static<typeof PullRequestStatus>

/** A commit of a fork, offered as a pull request: it runs when somebody lets it. */
export const PullRequest = Type.Object(
  {
    id: Uuid,
    repository: Type.String({ description: 'The one that it was opened in.' }),
    number: Type.Integer({ minimum: 1 }),
    title: Type.String(),
    author: Type.String({ description: 'Login.' }),
    head_repository: Type.Union([Type.String(), Type.Null()], {
      description: 'The fork; null: it is gone.',
    }),
    head_ref: Type.String(),
    commit_sha: Type.String(),
    status: PullRequestStatus,
    received_at: Timestamp,
    decided_at: NullableTimestamp,
    decided_by: Type.Union([Type.String(), Type.Null()]),
    run_id: Type.Union([Uuid, Type.Null()], { description: 'The run that its approval started.' }),
  },
  { $id: 'PullRequest' },
)
export type PullRequest = Static<typeof PullRequest>

export const ListPullRequestsQuery = Type.Object(
  {
    repository: Type.Optional(RepositoryName),
    status: Type.Optional(PullRequestStatus),
    limit: Type.Optional(Limit),
    offset: Type.Optional(Offset),
  },
  { $id: 'ListPullRequestsQuery', additionalProperties: false },
)
export type ListPullRequestsQuery = Static<typeof ListPullRequestsQuery>

export const ListPullRequestsResponse = Type.Object(
  {
    pull_requests: Type.Array(PullRequest),
    limit: Type.Integer(),
    offset: Type.Integer(),
    has_more: Type.Boolean({ description: 'Whether there are older ones.' }),
  },
  { $id: 'ListPullRequestsResponse' },
)
export type ListPullRequestsResponse = Static<typeof ListPullRequestsResponse>

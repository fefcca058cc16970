import Type, { type Static } from 'typebox'
import { EnvironmentName } from './environments.ts'
import {
  Limit,
  NullableTimestamp,
  Offset,
  RepositoryName,
  Text,
  Timestamp,
  Uuid,
} from './fields.ts'
import { PullRequest } from './github.ts'
import { RunStatus } from './runs.ts'

// Ours: what goes across repositories, for the dashboard and for whoever wants the same.

const Search = Text({ minLength: 1, maxLength: 140, description: 'Part of the name, in any case.' })
const HasMore = Type.Boolean({ description: 'Whether there are more behind these.' })

/** The newest run of a repository, on whatever branch. */
const LatestRun = Type.Object({
  id: Uuid,
  branch: Type.String(),
  commit_sha: Type.String(),
  status: RunStatus,
  started_at: Timestamp,
  completed_at: NullableTimestamp,
})

/** The newest workflow run of GitHub Actions of a repository. */
const LatestWorkflow = Type.Object({
  id: Type.Integer(),
  name: Type.String(),
  branch: Type.String(),
  commit_sha: Type.String(),
  status: Type.Enum(['pending', 'running', 'success', 'failure']),
  started_at: Timestamp,
  url: Type.String(),
})

export const OverviewRepository = Type.Object(
  {
    repository: Type.String(),
    latest_run: Type.Union([LatestRun, Type.Null()]),
    latest_workflow: Type.Union([LatestWorkflow, Type.Null()]),
    active_runs: Type.Integer({ minimum: 0, description: 'Runs that are pending or running.' }),
    last_activity_at: NullableTimestamp,
  },
  { $id: 'OverviewRepository' },
)
export type OverviewRepository = Static<typeof OverviewRepository>

export const OverviewRepositoriesQuery = Type.Object(
  { search: Type.Optional(Search), limit: Type.Optional(Limit), offset: Type.Optional(Offset) },
  { $id: 'OverviewRepositoriesQuery', additionalProperties: false },
)
export type OverviewRepositoriesQuery = Static<typeof OverviewRepositoriesQuery>

export const OverviewRepositoriesResponse = Type.Object(
  {
    repositories: Type.Array(OverviewRepository, {
      description: 'The last to do something first.',
    }),
    limit: Type.Integer(),
    offset: Type.Integer(),
    has_more: HasMore,
  },
  { $id: 'OverviewRepositoriesResponse' },
)
export type OverviewRepositoriesResponse = Static<typeof OverviewRepositoriesResponse>

export const RedPipeline = Type.Object(
  {
    kind: Type.Enum(['run', 'workflow']),
    repository: Type.String(),
    branch: Type.String(),
    name: Type.Union([Type.String(), Type.Null()], {
      description: 'Of the workflow; null for a run of ours.',
    }),
    id: Type.String({ description: 'Of the newest run that failed.' }),
    url: Type.Union([Type.String(), Type.Null()], { description: 'At GitHub; null for ours.' }),
    message: Type.Union([Type.String(), Type.Null()]),
    since: Type.String({
      format: 'date-time',
      description: 'Start of the first failure after the last success, as far back as 200 runs.',
    }),
    last_at: Timestamp,
  },
  { $id: 'RedPipeline' },
)
export type RedPipeline = Static<typeof RedPipeline>

export const RedPipelinesResponse = Type.Object(
  {
    red: Type.Array(RedPipeline, {
      maxItems: 100,
      description:
        'Branches whose last finished run failed, the newest first; at most 50 of each kind.',
    }),
  },
  { $id: 'RedPipelinesResponse' },
)
export type RedPipelinesResponse = Static<typeof RedPipelinesResponse>

const BoardRelease = Type.Object({
  id: Uuid,
  release_number: Type.Integer({ minimum: 1 }),
  commit_sha: Type.String(),
  created_at: Timestamp,
})

/** What is where: one project in one environment. */
export const BoardCell = Type.Object(
  {
    environment: EnvironmentName,
    deployment_id: Uuid,
    release_id: Uuid,
    release_number: Type.Integer({ minimum: 1 }),
    commit_sha: Type.String(),
    status: Type.Enum(['pending', 'active']),
    reason: Type.Union([Type.String(), Type.Null()], { description: 'Why it is still pending.' }),
    deployed_at: Timestamp,
    deployed_by: Type.String(),
  },
  { $id: 'BoardCell' },
)
export type BoardCell = Static<typeof BoardCell>

export const BoardProject = Type.Object(
  {
    repository: Type.String(),
    project: Type.String(),
    newest: Type.Union([BoardRelease, Type.Null()]),
    cells: Type.Array(BoardCell, {
      description: 'Active and pending deployments; an environment without any has none.',
    }),
  },
  { $id: 'BoardProject' },
)
export type BoardProject = Static<typeof BoardProject>

export const BoardQuery = Type.Object(
  {
    repository: Type.Optional(RepositoryName),
    search: Type.Optional(Search),
    limit: Type.Optional(Limit),
    offset: Type.Optional(Offset),
  },
  { $id: 'BoardQuery', additionalProperties: false },
)
export type BoardQuery = Static<typeof BoardQuery>

export const BoardResponse = Type.Object(
  {
    environments: Type.Array(Type.String(), { description: 'In the order of the configuration.' }),
    projects: Type.Array(BoardProject, { description: 'By repository and name.' }),
    limit: Type.Integer(),
    offset: Type.Integer(),
    has_more: HasMore,
  },
  { $id: 'BoardResponse' },
)
export type BoardResponse = Static<typeof BoardResponse>

export const WaitingRelease = Type.Object(
  {
    repository: Type.String(),
    project: Type.String(),
    environment: EnvironmentName,
    release: BoardRelease,
    deployed_release_number: Type.Union([Type.Integer(), Type.Null()], {
      description: 'What the environment has now; null: nothing.',
    }),
    required: Type.Integer({ description: 'Different people who must approve.' }),
    given: Type.Integer({ description: 'Those who have.' }),
    may_approve: Type.Boolean({
      description: 'Whether the caller’s approval would count, and has not been given.',
    }),
  },
  { $id: 'WaitingRelease' },
)
export type WaitingRelease = Static<typeof WaitingRelease>

export const WaitingReleasesResponse = Type.Object(
  {
    waiting: Type.Array(WaitingRelease, {
      maxItems: 50,
      description:
        'Newest releases of their projects, at most 30 days old and deployed somewhere, that an environment with approvals does not have yet.',
    }),
  },
  { $id: 'WaitingReleasesResponse' },
)
export type WaitingReleasesResponse = Static<typeof WaitingReleasesResponse>

const most = 20

export const WaitingWorkflow = Type.Object(
  {
    id: Type.Integer({ description: 'Of the workflow run at GitHub.' }),
    repository: Type.String(),
    branch: Type.String(),
    name: Type.String(),
    url: Type.String(),
    message: Type.Union([Type.String(), Type.Null()]),
    since: Timestamp,
  },
  { $id: 'WaitingWorkflow' },
)
export type WaitingWorkflow = Static<typeof WaitingWorkflow>

export const FailedRun = Type.Object(
  {
    id: Uuid,
    repository: Type.String(),
    branch: Type.String(),
    message: Type.Union([Type.String(), Type.Null()]),
    failed_at: Timestamp,
  },
  { $id: 'FailedRun' },
)
export type FailedRun = Static<typeof FailedRun>

export const FailedBuild = Type.Object(
  {
    id: Type.Integer(),
    repository: Type.String(),
    error: Type.Union([Type.String(), Type.Null()]),
    failed_at: Timestamp,
  },
  { $id: 'FailedBuild' },
)
export type FailedBuild = Static<typeof FailedBuild>

export const WaitingForMeResponse = Type.Object(
  {
    approvals: Type.Array(WaitingRelease, {
      maxItems: most,
      description:
        'Releases that wait for an approval which the caller may give, and has not given.',
    }),
    pull_requests: Type.Array(PullRequest, {
      maxItems: most,
      description: 'Pull requests of forks that wait, where the caller may approve them.',
    }),
    workflows: Type.Array(WaitingWorkflow, {
      maxItems: most,
      description: 'Workflow runs that wait for an approval of an environment at GitHub.',
    }),
    failed_runs: Type.Array(FailedRun, {
      maxItems: most,
      description:
        'Runs that the caller started in the last seven days and that failed, while their branch has not had a newer success or failure.',
    }),
    failed_builds: Type.Array(FailedBuild, {
      maxItems: most,
      description:
        'Builds that the caller made and that failed in the last seven days, and were not tried again.',
    }),
  },
  { $id: 'WaitingForMeResponse' },
)
export type WaitingForMeResponse = Static<typeof WaitingForMeResponse>

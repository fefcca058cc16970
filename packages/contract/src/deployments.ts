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
import { ProjectName } from './releases.ts'

// Source of the first shapes: API & Operations Reference, "Deployment APIs".

export const DeploymentStatus = Type.Enum(['pending', 'active', 'superseded'])
export type DeploymentStatus = Static<typeof DeploymentStatus>

export const CreateDeploymentRequest = Type.Object(
  {
    release_id: Uuid,
    environment: EnvironmentName,
    approval_id: Type.Optional(Uuid),
  },
  { $id: 'CreateDeploymentRequest', additionalProperties: false },
)
export type CreateDeploymentRequest = Static<typeof CreateDeploymentRequest>

export const CreateDeploymentResponse = Type.Object(
  {
    id: Uuid,
    deployment_id: Type.String({ description: 'The same id.' }),
    gitops_commit_sha: Type.String(),
    status: DeploymentStatus,
  },
  { $id: 'CreateDeploymentResponse' },
)
export type CreateDeploymentResponse = Static<typeof CreateDeploymentResponse>

export const CurrentDeployment = Type.Object(
  {
    deployment_id: Uuid,
    release_id: Uuid,
    release_number: Type.Integer({ minimum: 1 }),
    environment: Type.String(),
    status: DeploymentStatus,
    deployed_at: Timestamp,
    deployed_by: Type.String(),
    gitops_commit_sha: Type.String(),
  },
  { $id: 'CurrentDeployment' },
)
export type CurrentDeployment = Static<typeof CurrentDeployment>

export const DeploymentHistoryEntry = Type.Object(
  {
    id: Uuid,
    release_number: Type.Integer({ minimum: 1 }),
    status: DeploymentStatus,
    deployed_at: Timestamp,
    deployed_by: Type.String(),
    release_id: Uuid,
    rollback: Type.Boolean({ description: 'Whether it went back to an older release.' }),
    gitops_commit_sha: Type.String(),
  },
  { $id: 'DeploymentHistoryEntry' },
)
export type DeploymentHistoryEntry = Static<typeof DeploymentHistoryEntry>

export const DeploymentHistoryQuery = Type.Object(
  { limit: Type.Optional(Limit), offset: Type.Optional(Offset) },
  { $id: 'DeploymentHistoryQuery', additionalProperties: false },
)
export type DeploymentHistoryQuery = Static<typeof DeploymentHistoryQuery>

export const DeploymentHistoryResponse = Type.Object(
  {
    deployments: Type.Array(DeploymentHistoryEntry),
    total: Type.Integer(),
    limit: Type.Integer(),
    offset: Type.Integer(),
  },
  { $id: 'DeploymentHistoryResponse' },
)
export type DeploymentHistoryResponse = Static<typeof DeploymentHistoryResponse>

// Ours: one deployment by its id, all of them, and what a reconciler reports.

export const Deployment = Type.Object(
  {
    id: Uuid,
    deployment_id: Uuid,
    release_id: Uuid,
    release_number: Type.Integer({ minimum: 1 }),
    commit_sha: Type.String({ description: 'Of the release.' }),
    repository: Type.String(),
    project: Type.String(),
    environment: Type.String(),
    status: DeploymentStatus,
    rollback: Type.Boolean(),
    automatic: Type.Boolean(),
    deployed_at: Timestamp,
    deployed_by: Type.String(),
    activated_at: NullableTimestamp,
    superseded_at: NullableTimestamp,
    failed_at: Type.Unsafe<string | null>({
      ...NullableTimestamp,
      description: 'When it was said to have failed; it may still become active.',
    }),
    gitops_commit_sha: Type.String(),
    reason: Type.Optional(Type.String({ description: 'Why it is still pending.' })),
    approval_ids: Type.Array(Uuid),
  },
  { $id: 'Deployment' },
)
export type Deployment = Static<typeof Deployment>

export const ListDeploymentsQuery = Type.Object(
  {
    repository: Type.Optional(RepositoryName),
    project: Type.Optional(ProjectName),
    environment: Type.Optional(EnvironmentName),
    status: Type.Optional(DeploymentStatus),
    limit: Type.Optional(Limit),
    offset: Type.Optional(Offset),
  },
  { $id: 'ListDeploymentsQuery', additionalProperties: false },
)
export type ListDeploymentsQuery = Static<typeof ListDeploymentsQuery>

export const ListDeploymentsResponse = Type.Object(
  {
    deployments: Type.Array(Deployment),
    limit: Type.Integer(),
    offset: Type.Integer(),
    has_more: Type.Boolean({ description: 'Whether there are older ones.' }),
  },
  { $id: 'ListDeploymentsResponse' },
)
export type ListDeploymentsResponse = Static<typeof ListDeploymentsResponse>

/** What deploying a release would change in the GitOps repository. */
export const PreviewDeploymentRequest = Type.Object(
  { release_id: Uuid, environment: EnvironmentName },
  { $id: 'PreviewDeploymentRequest', additionalProperties: false },
)
export type PreviewDeploymentRequest = Static<typeof PreviewDeploymentRequest>

const FileContent = (description: string) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], description })

export const PreviewDeploymentResponse = Type.Object(
  {
    gitops_commit_sha: FileContent('Commit that it is compared with; null: there is none yet.'),
    rollback: Type.Boolean({ description: 'Whether it goes back to an older release.' }),
    files: Type.Array(
      Type.Object({
        path: Type.String(),
        before: FileContent('Content as it is; null: there is no such file.'),
        after: Type.String({ description: 'Content as it would be.' }),
      }),
    ),
  },
  { $id: 'PreviewDeploymentResponse' },
)
export type PreviewDeploymentResponse = Static<typeof PreviewDeploymentResponse>

export const DeploymentPlaceParams = Type.Object({
  environment: EnvironmentName,
  repo: Type.Unsafe<string>({
    ...RepositoryName,
    description: 'Repository as owner%2Fname; owner/name is understood too.',
  }),
  project: ProjectName,
})
export type DeploymentPlaceParams = Static<typeof DeploymentPlaceParams>

/** What the reconciler `callback` is told by whoever applies the manifests. */
export const UpdateDeploymentStatusRequest = Type.Object(
  {
    status: Type.Enum(['active', 'failed']),
    reason: Type.Optional(Text({ maxLength: 4000, description: 'Why it failed.' })),
  },
  { $id: 'UpdateDeploymentStatusRequest', additionalProperties: false },
)
export type UpdateDeploymentStatusRequest = Static<typeof UpdateDeploymentStatusRequest>

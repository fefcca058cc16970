import Type, { type Static } from 'typebox'
import { Limit, Offset, RepositoryName, Text, Timestamp, Uuid } from './fields.ts'

// Source of every shape here: API & Operations Reference, "Release APIs".

/** A project's name, as `.forge/project.*` gives it. */
export const ProjectName = Type.String({
  pattern: '^[a-z0-9][a-z0-9._-]{0,62}$',
  description: 'Project, at most 63 lower-case letters, digits, ".", "_" and "-".',
})

export const ArtifactType = Type.Enum(['container', 'binary', 'archive'])
export type ArtifactType = Static<typeof ArtifactType>

export const ReleaseTriggerType = Type.Enum(['branch_push', 'tag', 'manual'])
export type ReleaseTriggerType = Static<typeof ReleaseTriggerType>

/** What names a release in a path; looked for in this order. */
export const ReleaseReference = Text({
  minLength: 1,
  maxLength: 300,
  description: 'Alias, number, commit SHA, or at least its first seven digits.',
})

const artifactFields = {
  name: Type.String({
    pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$',
    description: 'Name of the artifact in its project.',
  }),
  type: ArtifactType,
  tracking_oci_uri: Text({
    minLength: 1,
    maxLength: 1000,
    description: 'OCI artifact with metadata and provenance: […]/[artifact]:sha-[commit_sha].',
  }),
  primary_published_uri: Text({
    minLength: 1,
    maxLength: 2000,
    description: 'Where the artifact itself is; a container with its digest.',
  }),
}

export const ReleaseArtifactInput = Type.Object(artifactFields, { additionalProperties: false })
export type ReleaseArtifactInput = Static<typeof ReleaseArtifactInput>

export const CreateReleaseRequest = Type.Object(
  {
    pipeline_run_id: Type.Optional(Uuid),
    repository: RepositoryName,
    project: ProjectName,
    commit_sha: Type.String({
      pattern: '^[0-9a-fA-F]{7,40}$',
      description: 'Commit, 7 to 40 hexadecimal digits.',
    }),
    artifacts: Type.Array(ReleaseArtifactInput, {
      maxItems: 50,
      description:
        "What the release consists of. Empty with a pipeline_run_id: the run's artifacts of this project.",
    }),
  },
  { $id: 'CreateReleaseRequest', additionalProperties: false },
)
export type CreateReleaseRequest = Static<typeof CreateReleaseRequest>

export const CreateReleaseResponse = Type.Object(
  {
    id: Uuid,
    release_number: Type.Integer({ minimum: 1, description: 'Without gaps in the project.' }),
    oci_uri: Type.String(),
    oci_digest: Type.String(),
    canonical_id: Type.String({ description: 'repository/project/commit-sha' }),
    created_at: Timestamp,
  },
  { $id: 'CreateReleaseResponse' },
)
export type CreateReleaseResponse = Static<typeof CreateReleaseResponse>

export const AliasType = Type.Enum(['numeric', 'tag', 'branch', 'custom'])
export type AliasType = Static<typeof AliasType>

export const ReleaseAlias = Type.Object({ alias: Type.String(), alias_type: AliasType })
export type ReleaseAlias = Static<typeof ReleaseAlias>

export const Release = Type.Object(
  {
    id: Uuid,
    repository: Type.String(),
    project: Type.String(),
    commit_sha: Type.String(),
    release_number: Type.Integer({ minimum: 1 }),
    oci_uri: Type.String(),
    oci_digest: Type.String(),
    created_at: Timestamp,
    created_by: Type.String(),
    pipeline_run_id: Type.Union([Uuid, Type.Null()]),
    artifacts: Type.Array(
      Type.Object({
        name: Type.String(),
        type: ArtifactType,
        tracking_oci_uri: Type.String(),
        primary_published_uri: Type.String(),
      }),
    ),
    aliases: Type.Array(ReleaseAlias),
    trigger: Type.Object({
      trigger_type: ReleaseTriggerType,
      branch: Type.Optional(Type.String({ description: 'Absent where nobody said.' })),
      triggered_by: Type.String(),
    }),
  },
  { $id: 'Release' },
)
export type Release = Static<typeof Release>

/** A name of one's own for a release; neither all digits nor 40 hexadecimal ones. */
export const CustomAlias = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$',
  description:
    'At most 128 letters, digits, ".", "_", "+" and "-"; neither all digits nor a commit SHA.',
})

export const SetAliasQuery = Type.Object(
  {
    move: Type.Optional(
      Type.Boolean({ description: 'Take the alias from the release that it names now.' }),
    ),
  },
  { $id: 'SetAliasQuery', additionalProperties: false },
)
export type SetAliasQuery = Static<typeof SetAliasQuery>

export const SetAliasResponse = Type.Object(
  {
    ...ReleaseAlias.properties,
    release_id: Uuid,
    release_number: Type.Integer({ minimum: 1 }),
  },
  { $id: 'SetAliasResponse' },
)
export type SetAliasResponse = Static<typeof SetAliasResponse>

export const ReleaseSummary = Type.Object(
  {
    id: Uuid,
    commit_sha: Type.String(),
    release_number: Type.Integer({ minimum: 1 }),
    created_at: Timestamp,
    created_by: Type.String(),
    trigger_type: ReleaseTriggerType,
    aliases: Type.Array(ReleaseAlias),
  },
  { $id: 'ReleaseSummary' },
)
export type ReleaseSummary = Static<typeof ReleaseSummary>

export const ListReleasesQuery = Type.Object(
  { limit: Type.Optional(Limit), offset: Type.Optional(Offset) },
  { $id: 'ListReleasesQuery', additionalProperties: false },
)
export type ListReleasesQuery = Static<typeof ListReleasesQuery>

export const ListReleasesResponse = Type.Object(
  {
    releases: Type.Array(ReleaseSummary),
    total: Type.Integer(),
    limit: Type.Integer(),
    offset: Type.Integer(),
  },
  { $id: 'ListReleasesResponse' },
)
export type ListReleasesResponse = Static<typeof ListReleasesResponse>

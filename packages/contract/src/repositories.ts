import Type, { type Static } from 'typebox'
import { IntegerId, OrNothing } from './credentials.ts'
import { NullableTimestamp, RefName, Text, Timestamp } from './fields.ts'

const Url = Text({
  minLength: 1,
  maxLength: 1_000,
  description: 'https, http, ssh or (if the server allows it) file URL, or user@host:path.',
})
const NullableId = Type.Unsafe<number | null>({ ...IntegerId, type: ['integer', 'null'] })
const NullableText = (description: string) =>
  Type.Unsafe<string | null>({
    ...Text({ maxLength: 2_000, description }),
    type: ['string', 'null'],
  })
const NullableRef = Type.Unsafe<string | null>({
  ...RefName,
  type: ['string', 'null'],
  description: 'Default branch; null: the one that the remote names.',
})
const Name = Text({
  minLength: 1,
  maxLength: 200,
  description: 'Unique. A run of `owner/name` is fetched from the repository of that name.',
})

export const CreateRepositoryRequest = Type.Object(
  {
    name: Name,
    repository_url: Url,
    credential_id: Type.Optional(NullableId),
    default_branch: Type.Optional(NullableRef),
    description: Type.Optional(NullableText('For people.')),
  },
  { $id: 'CreateRepositoryRequest', additionalProperties: false },
)
export type CreateRepositoryRequest = Static<typeof CreateRepositoryRequest>

export const UpdateRepositoryRequest = Type.Object(
  {
    name: Type.Optional(Name),
    repository_url: Type.Optional(Url),
    credential_id: Type.Optional(NullableId),
    default_branch: Type.Optional(NullableRef),
    description: Type.Optional(NullableText('For people.')),
    archived: Type.Optional(
      Type.Boolean({
        description: 'True: it is in no list unless asked for, and serves no new build.',
      }),
    ),
  },
  { $id: 'UpdateRepositoryRequest', additionalProperties: false, minProperties: 1 },
)
export type UpdateRepositoryRequest = Static<typeof UpdateRepositoryRequest>

export const Repository = Type.Object(
  {
    id: IntegerId,
    name: Type.String(),
    repository_url: Type.String(),
    credential_id: NullableId,
    default_branch: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
    description: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
    is_verified: Type.Boolean(),
    verification_message: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
    verified_at: NullableTimestamp,
    host_key_fingerprints: Type.Array(Type.String(), {
      description:
        'Of the host keys that were pinned at the first verification, as ssh shows them.',
    }),
    archived: Type.Boolean(),
    created_by: Type.String(),
    created_at: Timestamp,
    updated_at: Timestamp,
  },
  { $id: 'Repository' },
)
export type Repository = Static<typeof Repository>

const success = Type.Literal(true)

export const RepositoryResponse = Type.Object(
  { success, repository: Repository },
  { $id: 'RepositoryResponse' },
)
export const ListRepositoriesResponse = Type.Object(
  { success, repositories: Type.Array(Repository), count: Type.Integer() },
  { $id: 'ListRepositoriesResponse' },
)
export type ListRepositoriesResponse = Static<typeof ListRepositoriesResponse>

export const ListRepositoriesQuery = Type.Object(
  {
    name: Type.Optional(Text({ minLength: 1, maxLength: 200, description: 'Only that one.' })),
    archived: Type.Optional(
      Type.Boolean({ default: false, description: 'True: those that are archived, too.' }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 100 })),
    offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 2_147_483_647, default: 0 })),
  },
  { $id: 'ListRepositoriesQuery', additionalProperties: false },
)
export type ListRepositoriesQuery = Static<typeof ListRepositoriesQuery>

export const VerifyRepositoryRequest = OrNothing(
  Type.Object(
    {
      accept_new_host_key: Type.Optional(
        Type.Boolean({
          description: 'Forget the pinned host keys and believe what the server shows now.',
        }),
      ),
    },
    { $id: 'VerifyRepositoryRequest', additionalProperties: false },
  ),
)
export type VerifyRepositoryRequest = Static<typeof VerifyRepositoryRequest>

export const ValidateUrlRequest = Type.Object(
  { repository_url: Url, credential_id: Type.Optional(NullableId) },
  { $id: 'ValidateUrlRequest', additionalProperties: false },
)
export type ValidateUrlRequest = Static<typeof ValidateUrlRequest>

export const ValidateUrlResponse = Type.Object(
  {
    success,
    is_valid: Type.Boolean({ description: 'It is a URL that this server may use.' }),
    is_reachable: Type.Boolean({ description: 'It was contacted, and is a Git repository.' }),
    type: Type.Unsafe<'https' | 'http' | 'ssh' | 'file' | null>({
      type: ['string', 'null'],
      enum: ['https', 'http', 'ssh', 'file', null],
    }),
    default_branch: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
    message: Type.String(),
  },
  { $id: 'ValidateUrlResponse' },
)
export type ValidateUrlResponse = Static<typeof ValidateUrlResponse>

export const ListBranchesResponse = Type.Object(
  {
    success,
    branches: Type.Array(
      Type.Object({
        name: Type.String(),
        commit_sha: Type.String(),
        is_default: Type.Boolean(),
      }),
    ),
    count: Type.Integer(),
  },
  { $id: 'ListBranchesResponse' },
)
export type ListBranchesResponse = Static<typeof ListBranchesResponse>

import Type, { type Static } from 'typebox'
import {
  Cursor,
  Limit,
  NullableTimestamp,
  Offset,
  RepositoryName,
  Text,
  Timestamp,
  Uuid,
} from './fields.ts'
import { roles } from './vocabulary.ts'

/** Roles a token may carry; what each may do is the server's table of permissions. */
export const Role = Type.Enum(roles)
export type Role = Static<typeof Role>

export const CreateTokenRequest = Type.Object(
  {
    name: Text({
      minLength: 1,
      maxLength: 100,
      description: 'Unique among the valid tokens.',
    }),
    roles: Type.Array(Role, { minItems: 1, maxItems: roles.length, uniqueItems: true }),
    repositories: Type.Optional(
      Type.Union(
        [
          Type.Array(RepositoryName, { minItems: 1, maxItems: 1000, uniqueItems: true }),
          Type.Null(),
        ],
        {
          description:
            'The only repositories this token sees; absent or null: all. Not for the role worker, whose jobs come from all.',
        },
      ),
    ),
    expires_at: Type.Optional(
      Type.Union([Timestamp, Type.Null()], { description: 'Absent or null: never.' }),
    ),
  },
  { $id: 'CreateTokenRequest', additionalProperties: false },
)
export type CreateTokenRequest = Static<typeof CreateTokenRequest>

const tokenFields = {
  id: Uuid,
  name: Type.String(),
  roles: Type.Array(Role),
  repositories: Type.Union([Type.Array(Type.String()), Type.Null()]),
  created_by: Type.String(),
  created_at: Timestamp,
  expires_at: NullableTimestamp,
  last_used_at: NullableTimestamp,
}

/** A token as lists show it: never its secret. */
export const Token = Type.Object(tokenFields, { $id: 'Token' })
export type Token = Static<typeof Token>

/** The answer to a creation: the only one that ever holds `token`. */
export const CreatedToken = Type.Object(
  { ...tokenFields, token: Type.String({ description: 'slw_…; shown this once.' }) },
  { $id: 'CreatedToken' },
)
export type CreatedToken = Static<typeof CreatedToken>

export const RotateTokenRequest = Type.Object(
  {
    expires_at: Type.Optional(
      Type.Union([Timestamp, Type.Null()], {
        description: 'When it is to end from now on; null: never; absent: as before.',
      }),
    ),
  },
  { $id: 'RotateTokenRequest', additionalProperties: false },
)
export type RotateTokenRequest = Static<typeof RotateTokenRequest>

export const PageQuery = Type.Object(
  { limit: Type.Optional(Limit), offset: Type.Optional(Offset) },
  { $id: 'PageQuery', additionalProperties: false },
)
export type PageQuery = Static<typeof PageQuery>

export const ListTokensQuery = Type.Object(
  {
    role: Type.Optional(Role),
    limit: Type.Optional(Limit),
    offset: Type.Optional(Offset),
  },
  { $id: 'ListTokensQuery', additionalProperties: false },
)
export type ListTokensQuery = Static<typeof ListTokensQuery>

export const ListTokensResponse = Type.Object(
  {
    tokens: Type.Array(Token),
    total: Type.Integer(),
    limit: Type.Integer(),
    offset: Type.Integer(),
  },
  { $id: 'ListTokensResponse' },
)
export type ListTokensResponse = Static<typeof ListTokensResponse>

/** A ticket stands for the caller's token on one request, once, within a minute: `?ticket=…`. */
export const CreatedTicket = Type.Object(
  { ticket: Type.String(), expires_at: Timestamp },
  { $id: 'CreatedTicket' },
)
export type CreatedTicket = Static<typeof CreatedTicket>

export const AuditEntry = Type.Object(
  {
    id: Type.Integer(),
    at: Timestamp,
    actor: Type.String({ description: 'Name of the token; "anonymous" where there was none.' }),
    action: Type.String({ description: 'Method and route, e.g. POST /v1/runs.' }),
    resource: Type.String({ description: 'The path asked for.' }),
    address: Type.String({ description: 'Where the request came from.' }),
    outcome: Type.Integer({ description: 'HTTP status of the answer.' }),
    request_id: Type.String(),
  },
  { $id: 'AuditEntry' },
)
export type AuditEntry = Static<typeof AuditEntry>

export const ListAuditQuery = Type.Object(
  {
    before: Type.Optional(Cursor({ minimum: 1, description: 'Only entries with a smaller id.' })),
    search: Type.Optional(
      Text({
        minLength: 1,
        maxLength: 140,
        description:
          'Part of the actor, the action or the resource, in any case; looked for in 20,000 entries.',
      }),
    ),
    limit: Type.Optional(Limit),
  },
  { $id: 'ListAuditQuery', additionalProperties: false },
)
export type ListAuditQuery = Static<typeof ListAuditQuery>

export const ListAuditResponse = Type.Object(
  { entries: Type.Array(AuditEntry) },
  { $id: 'ListAuditResponse' },
)
export type ListAuditResponse = Static<typeof ListAuditResponse>

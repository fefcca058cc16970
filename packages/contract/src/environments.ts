import Type, { type Static } from 'typebox'
import { Role } from './access.ts'
import { Uuid } from './fields.ts'

/**
 * `dev`, `staging`, `production`, or another that the server's configuration declares. Which ones
 * there are is a setting, so an unknown one is refused by the server, with the list.
 */
export const EnvironmentName = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$',
  description: 'dev, staging, production, or another environment of the server’s configuration.',
  examples: ['dev', 'staging', 'production'],
})

/**
 * What the server's configuration says of an environment. Asked for with a release, it is what holds
 * for that one: tightened by the `.forge` of its commit.
 */
export const Environment = Type.Object(
  {
    name: Type.String(),
    approval: Type.Object({
      required: Type.Boolean({ description: 'Whether deploying needs an approval.' }),
      approvals: Type.Integer({
        minimum: 1,
        description: 'How many different people must approve.',
      }),
      roles: Type.Array(Role, { description: 'Whose approval counts; empty: nobody’s.' }),
      expires_seconds: Type.Integer({ minimum: 60, description: 'How long an approval holds.' }),
      self_approval: Type.Boolean({ description: 'Whether the deployer’s own approval counts.' }),
    }),
    branches: Type.Array(Type.String(), {
      description:
        'Globs of branches that are deployed automatically: * is anything up to a /, ** anything.',
    }),
    repository_branches: Type.Optional(
      Type.Array(Type.String(), {
        description: 'Globs that the release’s repository adds: one of these must match, too.',
      }),
    ),
    triggers: Type.Array(Type.Enum(['branch', 'tag', 'manual']), {
      description: 'Release triggers that are deployed automatically.',
    }),
    auto_deploy: Type.Boolean({ description: 'Whether new releases are deployed unasked.' }),
    log_retention_days: Type.Integer({
      minimum: 1,
      description: 'Days that logs of runs are kept whose release was deployed here.',
    }),
  },
  { $id: 'Environment' },
)
export type Environment = Static<typeof Environment>

export const ListEnvironmentsQuery = Type.Object(
  {
    release_id: Type.Optional(
      Type.Unsafe<string>({ ...Uuid, description: 'Show what holds for this release.' }),
    ),
  },
  { $id: 'ListEnvironmentsQuery', additionalProperties: false },
)
export type ListEnvironmentsQuery = Static<typeof ListEnvironmentsQuery>

export const ListEnvironmentsResponse = Type.Object(
  { environments: Type.Array(Environment) },
  { $id: 'ListEnvironmentsResponse' },
)
export type ListEnvironmentsResponse = Static<typeof ListEnvironmentsResponse>

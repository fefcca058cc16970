import Type, { type Static } from 'typebox'
import { IntegerId } from './credentials.ts'
import { Text, Timestamp, UnchangedSince } from './fields.ts'

// Configurations (`/api/configurations`): keys and values that are merged into files of a build.

const Name = Text({ minLength: 1, maxLength: 100, description: 'Unique.' })
const Description = Type.Unsafe<string | null>({
  ...Text({ maxLength: 2_000, description: 'For people.' }),
  type: ['string', 'null'],
})
const NullableText = Type.Unsafe<string | null>({ type: ['string', 'null'] })

/** How a target is written. */
export const ConfigurationFormat = Type.Enum(['env', 'json', 'yaml', 'toml'])
export type ConfigurationFormat = Static<typeof ConfigurationFormat>

/** A file that settings are merged into; it is made where it is missing. */
export const ConfigurationTarget = Type.Object(
  {
    path: Text({
      minLength: 1,
      maxLength: 500,
      description: 'In the repository, such as .env or config/app.yaml.',
    }),
    format: ConfigurationFormat,
  },
  { $id: 'ConfigurationTarget', additionalProperties: false },
)
export type ConfigurationTarget = Static<typeof ConfigurationTarget>

const Settings = Type.Record(Text({ maxLength: 500 }), Type.Unknown(), {
  maxProperties: 1_000,
  description:
    'Keys and values. In json, yaml and toml, `a.b.c` is a key below keys (`\\.` is a dot in a key), and objects are merged; env takes names and texts, numbers and booleans alone. `{{parameter}}` in a text is replaced by its value.',
})
const Targets = Type.Array(ConfigurationTarget, {
  maxItems: 20,
  description: 'Default: `.env`, as env.',
})
const Archived = Type.Boolean({
  description:
    'Archived: in no list unless asked for, refused for new builds, and may be deleted although builds used it.',
})

export const CreateConfigurationRequest = Type.Object(
  {
    name: Name,
    description: Type.Optional(Description),
    settings: Type.Optional(Settings),
    targets: Type.Optional(Targets),
  },
  { $id: 'CreateConfigurationRequest', additionalProperties: false },
)
export type CreateConfigurationRequest = Static<typeof CreateConfigurationRequest>

export const UpdateConfigurationRequest = Type.Object(
  {
    name: Type.Optional(Name),
    description: Type.Optional(Description),
    settings: Type.Optional(Settings),
    targets: Type.Optional(Targets),
    archived: Type.Optional(Archived),
    unchanged_since: Type.Optional(UnchangedSince),
  },
  { $id: 'UpdateConfigurationRequest', additionalProperties: false, minProperties: 1 },
)
export type UpdateConfigurationRequest = Static<typeof UpdateConfigurationRequest>

export const Configuration = Type.Object(
  {
    id: IntegerId,
    name: Type.String(),
    description: NullableText,
    settings: Type.Record(Type.String(), Type.Unknown()),
    targets: Type.Array(ConfigurationTarget),
    archived: Type.Boolean(),
    created_by: Type.String(),
    created_at: Timestamp,
    updated_at: Timestamp,
  },
  { $id: 'Configuration' },
)
export type Configuration = Static<typeof Configuration>

const success = Type.Literal(true)

export const ConfigurationResponse = Type.Object(
  { success, configuration: Configuration },
  { $id: 'ConfigurationResponse' },
)
export const ConfigurationUsageResponse = Type.Object(
  {
    success,
    builds: Type.Integer({ description: 'Builds that refer to it, up to 1,000.' }),
    at_least: Type.Boolean({ description: 'There are more.' }),
    last_build_id: Type.Union([IntegerId, Type.Null()], { description: 'The newest of them.' }),
  },
  { $id: 'ConfigurationUsageResponse' },
)
export type ConfigurationUsageResponse = Static<typeof ConfigurationUsageResponse>

export const ListConfigurationsResponse = Type.Object(
  { success, configurations: Type.Array(Configuration), count: Type.Integer() },
  { $id: 'ListConfigurationsResponse' },
)
export type ListConfigurationsResponse = Static<typeof ListConfigurationsResponse>

export const ListConfigurationsQuery = Type.Object(
  {
    name: Type.Optional(Text({ minLength: 1, maxLength: 100, description: 'Only that one.' })),
    archived: Type.Optional(
      Type.Boolean({ default: false, description: 'Those that are archived, too.' }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 100 })),
    offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 2_147_483_647, default: 0 })),
  },
  { $id: 'ListConfigurationsQuery', additionalProperties: false },
)
export type ListConfigurationsQuery = Static<typeof ListConfigurationsQuery>

import Type, { type Static } from 'typebox'
import { IntegerId } from './credentials.ts'
import { NullableTimestamp, Text, Timestamp } from './fields.ts'
import { registryAddresses } from './vocabulary.ts'

// Container registries (`/api/registries`): where builds push their images to.

/** What a registry is. */
export type RegistryType = keyof typeof registryAddresses

const TypeName = Type.Enum(Object.keys(registryAddresses) as RegistryType[])
const Name = Text({ minLength: 1, maxLength: 100, description: 'Unique.' })
const Url = Text({
  minLength: 1,
  maxLength: 300,
  description:
    '`host[:port]`, also as https://host[:port]; http:// only on the server’s own machine and for hosts that OCI_PLAIN_HTTP names. Needed for aws_ecr and generic; the other types have one of their own.',
})
const Namespace = Text({
  minLength: 1,
  maxLength: 200,
  description:
    'What stands before an image’s name there: an organisation, user, group or path. Needed for docker_hub, quay_io, github and gitlab.',
})
const orNull = <Schema extends { type: 'string' | 'integer' }>(schema: Schema) => ({
  ...schema,
  type: [schema.type, 'null'],
})
const NullableId = Type.Unsafe<number | null>(orNull(IntegerId))
const NullableText = Type.Unsafe<string | null>({ type: ['string', 'null'] })
const Login = Type.Unsafe<number | null>({
  ...orNull(IntegerId),
  description: 'A credential of a registry_* type that is for this registry; null: none is needed.',
})
const Description = Type.Unsafe<string | null>(
  orNull(Text({ maxLength: 2_000, description: 'For people.' })),
)

export const CreateRegistryRequest = Type.Object(
  {
    name: Name,
    registry_type: TypeName,
    registry_url: Type.Optional(Url),
    namespace: Type.Optional(Type.Unsafe<string | null>(orNull(Namespace))),
    credential_id: Type.Optional(Login),
    description: Type.Optional(Description),
  },
  { $id: 'CreateRegistryRequest', additionalProperties: false },
)
export type CreateRegistryRequest = Static<typeof CreateRegistryRequest>

export const UpdateRegistryRequest = Type.Object(
  {
    name: Type.Optional(Name),
    registry_type: Type.Optional(TypeName),
    registry_url: Type.Optional(Url),
    namespace: Type.Optional(Type.Unsafe<string | null>(orNull(Namespace))),
    credential_id: Type.Optional(Login),
    description: Type.Optional(Description),
    archived: Type.Optional(
      Type.Boolean({
        description:
          'Archived: in no list unless asked for, refused for new builds, and may be deleted although builds used it.',
      }),
    ),
  },
  { $id: 'UpdateRegistryRequest', additionalProperties: false, minProperties: 1 },
)
export type UpdateRegistryRequest = Static<typeof UpdateRegistryRequest>

export const ContainerRegistry = Type.Object(
  {
    id: IntegerId,
    name: Type.String(),
    registry_type: TypeName,
    registry_url: Type.String({ description: '`host[:port]`.' }),
    namespace: NullableText,
    credential_id: NullableId,
    description: NullableText,
    is_verified: Type.Boolean({ description: 'The last try of its login succeeded.' }),
    verification_message: NullableText,
    verified_at: NullableTimestamp,
    archived: Type.Boolean(),
    created_by: Type.String(),
    created_at: Timestamp,
    updated_at: Timestamp,
  },
  { $id: 'ContainerRegistry' },
)
export type ContainerRegistry = Static<typeof ContainerRegistry>

const success = Type.Literal(true)

export const RegistryResponse = Type.Object(
  { success, registry: ContainerRegistry },
  { $id: 'RegistryResponse' },
)
export const ListRegistriesResponse = Type.Object(
  {
    success,
    registries: Type.Array(ContainerRegistry),
    count: Type.Integer({ description: 'Of all there are.' }),
  },
  { $id: 'ListRegistriesResponse' },
)
export type ListRegistriesResponse = Static<typeof ListRegistriesResponse>

export const ListRegistriesQuery = Type.Object(
  {
    name: Type.Optional(Text({ minLength: 1, maxLength: 100, description: 'Only that one.' })),
    archived: Type.Optional(
      Type.Boolean({ default: false, description: 'True: those that are archived, too.' }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 100 })),
    offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 2_147_483_647, default: 0 })),
  },
  { $id: 'ListRegistriesQuery', additionalProperties: false },
)
export type ListRegistriesQuery = Static<typeof ListRegistriesQuery>

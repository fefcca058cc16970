import Type, { type Static, type TObject } from 'typebox'
import { NullableTimestamp, Text, Timestamp } from './fields.ts'

/** Integer id of the families below `/api`. */
export const IntegerId = Type.Integer({
  minimum: 1,
  maximum: 2_147_483_647,
  description: 'Integer id.',
})

/** One line without control characters: git and HTTP headers carry no others. */
const Line = (description: string, maxLength = 4_096) =>
  Type.String({
    minLength: 1,
    maxLength,
    pattern: '^[^\\u0000-\\u001f\\u007f\\uD800-\\uDFFF]+$',
    description,
  })

const Lines = (description: string, pattern: string) =>
  Type.String({
    minLength: 1,
    maxLength: 65_536,
    pattern,
    description,
    contentMediaType: 'text/plain',
  })

const Secret = (description: string) => ({ ...Line(description, 32_768), writeOnly: true as const })

const KnownHosts = Lines(
  'Lines of known_hosts(5): the only host keys that are believed. Without it, the one that is shown first is pinned when a repository is verified.',
  '^(?:[ \\t]*(?:#[^\\r\\n]*|(?:@[a-z-]+[ \\t]+)?[^\\s#@]\\S*[ \\t]+[a-z0-9@.-]+[ \\t]+[A-Za-z0-9+/=]+[^\\r\\n]*)?(?:\\r?\\n|$))+$',
)

const PrivateKey = {
  ...Lines(
    'An SSH private key as ssh-keygen writes it.',
    '^\\s*-----BEGIN [A-Z ]*PRIVATE KEY-----\\r?\\n[A-Za-z0-9+/=:,\\-\\s]+-----END [A-Z ]*PRIVATE KEY-----\\s*$',
  ),
  writeOnly: true as const,
}

const data = <Properties extends Parameters<typeof Type.Object>[0]>(properties: Properties) =>
  Type.Object(properties, { additionalProperties: false })

/** What `credential_data` holds for each `credential_type`. */
export const credentialData = {
  git_https: data({
    username: Line('User name; for an access token often any, such as x-access-token.', 255),
    password_or_token: Secret('Password or access token.'),
  }),
  git_ssh: data({
    private_key: PrivateKey,
    passphrase: Type.Optional(Secret('Passphrase of the key, where it has one.')),
    known_hosts: Type.Optional(KnownHosts),
  }),
  registry_docker_hub: data({
    username: Line('Docker ID.', 255),
    access_token: Secret('Access token.'),
  }),
  registry_aws_ecr: data({
    aws_access_key_id: Line('Access key id.', 255),
    aws_secret_access_key: Secret('Secret access key.'),
    aws_session_token: Type.Optional(Secret('Session token of temporary keys.')),
    region: Type.Optional(
      Type.String({
        pattern: '^[a-z]{2}(-[a-z]+)+-[0-9]$',
        maxLength: 40,
        description: 'Region; default us-east-1.',
      }),
    ),
  }),
  registry_quay_io: data({
    username: Line('User, or robot account.', 255),
    password: Secret('Password.'),
  }),
  registry_generic: data({
    username: Line('User name.', 255),
    password_or_token: Secret('Password or access token.'),
    registry_url: Type.Optional(
      Type.String({
        pattern: '^https?://[^\\s/?#@]+(/[^\\s?#]*)?$',
        maxLength: 500,
        description: 'Address of the registry, e.g. https://registry.example.org.',
      }),
    ),
  }),
}
export type CredentialType = keyof typeof credentialData
export type CredentialData<T extends CredentialType> = Static<(typeof credentialData)[T]>

const TypeName = Type.Enum(Object.keys(credentialData) as CredentialType[])
const Name = Text({ minLength: 1, maxLength: 100, description: 'Unique.' })
const Metadata = Type.Record(Type.String({ maxLength: 100 }), Type.Unknown(), {
  maxProperties: 100,
  description:
    'Whatever helps people; it is shown to whoever may read credentials. `repositories` is a list of `owner/name` and `owner/*`: those whose commits may name the credential in their publishers. Without it every repository may, but only for the place that the credential itself is for.',
})
const AnyData = Type.Record(Type.String(), Type.Unknown(), {
  description: 'What the type asks for; see `GET /api/credentials/types`. Never shown again.',
  writeOnly: true,
})

/** Makes the schema of `credential_data` depend on `credential_type`, so that all problems show at once. */
const byType = Object.entries(credentialData).reduceRight<object>(
  (otherwise, [type, schema]) => ({
    if: { properties: { credential_type: { const: type } }, required: ['credential_type'] },
    // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
    then: { properties: { credential_data: schema } },
    else: otherwise,
  }),
  {},
)

export const CreateCredentialRequest = Type.Object(
  {
    name: Name,
    credential_type: TypeName,
    credential_data: AnyData,
    metadata: Type.Optional(Metadata),
    expires_at: Type.Optional(NullableTimestamp),
  },
  { $id: 'CreateCredentialRequest', additionalProperties: false, ...byType },
)
export type CreateCredentialRequest = Static<typeof CreateCredentialRequest>

export const UpdateCredentialRequest = Type.Object(
  {
    name: Type.Optional(Name),
    credential_type: Type.Optional({
      ...TypeName,
      description: 'As it is; needed with credential_data.',
    }),
    credential_data: Type.Optional(AnyData),
    metadata: Type.Optional(Metadata),
    expires_at: Type.Optional(NullableTimestamp),
  },
  { $id: 'UpdateCredentialRequest', additionalProperties: false, minProperties: 1, ...byType },
)
export type UpdateCredentialRequest = Static<typeof UpdateCredentialRequest>

/** A credential as it is shown: never what it holds. */
export const Credential = Type.Object(
  {
    id: IntegerId,
    name: Type.String(),
    credential_type: TypeName,
    metadata: Type.Record(Type.String(), Type.Unknown()),
    expires_at: NullableTimestamp,
    created_by: Type.String(),
    created_at: Timestamp,
    updated_at: Timestamp,
  },
  { $id: 'Credential' },
)
export type Credential = Static<typeof Credential>

const success = Type.Literal(true)

/** A body that may be left out. */
export function OrNothing<Schema extends TObject>(schema: Schema) {
  return Type.Unsafe<Static<Schema> | null>({ ...schema, type: ['object', 'null'] })
}

export const CredentialResponse = Type.Object(
  { success, credential: Credential },
  { $id: 'CredentialResponse' },
)
export const ListCredentialsResponse = Type.Object(
  { success, credentials: Type.Array(Credential), count: Type.Integer() },
  { $id: 'ListCredentialsResponse' },
)
export type ListCredentialsResponse = Static<typeof ListCredentialsResponse>

/** One key of `credential_data`. */
export const CredentialField = Type.Object({
  name: Type.String(),
  required: Type.Boolean(),
  secret: Type.Boolean({ description: 'To be typed without an echo.' }),
  multiline: Type.Boolean(),
  description: Type.String(),
})
export type CredentialField = Static<typeof CredentialField>

export const ListCredentialTypesResponse = Type.Object(
  {
    success,
    credential_types: Type.Array(
      Type.Object({
        credential_type: TypeName,
        description: Type.String(),
        fields: Type.Array(CredentialField),
      }),
    ),
    count: Type.Integer(),
  },
  { $id: 'ListCredentialTypesResponse' },
)
export type ListCredentialTypesResponse = Static<typeof ListCredentialTypesResponse>

export const VerifyCredentialRequest = OrNothing(
  Type.Object(
    {
      url: Type.Optional(
        Text({
          minLength: 1,
          maxLength: 1_000,
          description:
            'Repository or registry to try it against; default: the registry of its type, or a repository that uses it.',
        }),
      ),
    },
    { $id: 'VerifyCredentialRequest', additionalProperties: false },
  ),
)
export type VerifyCredentialRequest = Static<typeof VerifyCredentialRequest>

/** What trying something came to; a failure is an answer, not an error. */
export const VerificationResponse = Type.Object(
  { success, is_verified: Type.Boolean(), message: Type.String() },
  { $id: 'VerificationResponse' },
)
export type VerificationResponse = Static<typeof VerificationResponse>

/** An answer that says only that it was done. */
export const DoneResponse = Type.Object(
  { success, message: Type.String() },
  { $id: 'DoneResponse' },
)

/** The keys of a type's `credential_data`, in the order of the schema. */
export function credentialFields(type: CredentialType): CredentialField[] {
  const { properties, required }: { properties: object; required: readonly string[] } =
    credentialData[type]
  return Object.entries(properties).map(([name, schema]) => {
    const { description, writeOnly, contentMediaType } = schema as {
      description: string
      writeOnly?: boolean
      contentMediaType?: string
    }
    return {
      name,
      required: required.includes(name),
      secret: writeOnly === true,
      multiline: contentMediaType !== undefined,
      description,
    }
  })
}

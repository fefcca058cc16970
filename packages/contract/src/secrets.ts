import Type, { type Static } from 'typebox'
import { Limit, Offset, RepositoryName, Text, Timestamp } from './fields.ts'

/** An organisation: the owner of repositories. */
export const OrganisationName = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,98}$',
  maxLength: 99,
  description: 'Owner of repositories.',
})

/** What the `secrets` of a step may be called in `.forge`. */
export const SecretName = Type.String({
  pattern: '^(?:[A-Za-z0-9][A-Za-z0-9._-]{0,62}|[A-Za-z_][A-Za-z0-9_]{0,127})$',
  maxLength: 128,
  description: 'Name, as steps ask for it.',
})

/** Bytes that a secret's value may have, in UTF-8. */
export const maxSecretBytes = 65_536

export const PutSecretRequest = Type.Object(
  {
    value: {
      ...Text({
        minLength: 1,
        maxLength: maxSecretBytes,
        description: 'The secret, at most 64 KiB. No answer ever holds it.',
      }),
      writeOnly: true,
    },
  },
  { $id: 'PutSecretRequest', additionalProperties: false },
)
export type PutSecretRequest = Static<typeof PutSecretRequest>

/** A secret as it is shown: never its value. */
export const StepSecret = Type.Object(
  {
    scope: Type.String({ description: 'Organisation, or repository as owner/name.' }),
    name: Type.String(),
    created_by: Type.String(),
    created_at: Timestamp,
    updated_by: Type.String(),
    updated_at: Timestamp,
  },
  { $id: 'StepSecret' },
)
export type StepSecret = Static<typeof StepSecret>

export const ListSecretsQuery = Type.Object(
  {
    organisation: Type.Optional(OrganisationName),
    repository: Type.Optional(RepositoryName),
    limit: Type.Optional(Limit),
    offset: Type.Optional(Offset),
  },
  { $id: 'ListSecretsQuery', additionalProperties: false },
)
export type ListSecretsQuery = Static<typeof ListSecretsQuery>

export const ListSecretsResponse = Type.Object(
  {
    secrets: Type.Array(StepSecret),
    total: Type.Integer(),
    limit: Type.Integer(),
    offset: Type.Integer(),
  },
  { $id: 'ListSecretsResponse' },
)
export type ListSecretsResponse = Static<typeof ListSecretsResponse>

/** An organisation, or a repository as owner/name. */
export const SecretScope = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,98}(?:/(?!\\.{1,2}$)[A-Za-z0-9._-]{1,100})?$',
  maxLength: 140,
  description: 'Organisation, or repository as owner/name (the slash as %2F).',
})

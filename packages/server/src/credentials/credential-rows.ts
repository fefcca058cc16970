import type { Credential, CredentialType } from '@slipway/contract/credentials'
import type { Selectable } from 'kysely'
import type { CredentialsTable } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { SealedColumn, SealedRecord } from '../secrets/index.ts'

/** Where credentials are sealed. */
export const sealedCredentials: SealedColumn = {
  table: 'credentials',
  column: 'sealed',
  purpose: 'credential',
  identity: ['id', 'credential_type'],
  label: 'The credential',
}

/** What is sealed belongs to this credential, of this type. */
export function sealedRecord(row: {
  id: number
  name: string
  credential_type: string
}): SealedRecord {
  const { id, name, credential_type: type } = row
  return {
    purpose: sealedCredentials.purpose,
    id: `${id}\n${type}`,
    label: `The credential ${name}`,
  }
}

/** The columns that may be shown. */
export const shownColumns = [
  'id',
  'name',
  'credential_type',
  'metadata',
  'expires_at',
  'created_by',
  'created_at',
  'updated_at',
] as const

export function toCredential(
  row: Pick<Selectable<CredentialsTable>, (typeof shownColumns)[number]>,
): Credential {
  return {
    ...row,
    credential_type: row.credential_type as CredentialType,
    metadata: row.metadata as Credential['metadata'],
    expires_at: row.expires_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}

export function nameTaken(name: string): AppError {
  return new AppError('resource_conflict', `There is a credential with the name ${name} already`, {
    name,
  })
}

export function noSuchCredential(which: string): AppError {
  return new AppError('resource_not_found', `There is no credential ${which}`)
}

/** A unique index said no. */
export function isDuplicate(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '23505'
}

import type { Credential, UpdateCredentialRequest } from '@slipway/contract/credentials'
import { requireUnlimited } from '../access/index.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { checkRequest } from './check-request.ts'
import {
  isDuplicate,
  nameTaken,
  noSuchCredential,
  sealedRecord,
  shownColumns,
  toCredential,
} from './credential-rows.ts'
import type { CredentialsDeps } from './deps.ts'

/** Changes what the request names. New data replaces the old as a whole; the type stays. */
export async function updateCredential(
  deps: CredentialsDeps,
  input: { principal: Principal; id: number; request: UpdateCredentialRequest },
): Promise<Credential> {
  const { principal, id, request } = input
  requireUnlimited(principal, 'Credentials')
  checkRequest(request)
  const current = await deps.db
    .selectFrom('credentials')
    .select(['id', 'name', 'credential_type'])
    .where('id', '=', id)
    .executeTakeFirst()
  if (current === undefined) throw noSuchCredential(String(id))
  checkType(current.credential_type, request)
  const { name, credential_data: data, metadata, expires_at } = request
  try {
    const row = await deps.db
      .updateTable('credentials')
      .set({
        updated_at: new Date(),
        ...(name === undefined ? {} : { name }),
        ...(data === undefined
          ? {}
          : { sealed: deps.vault.seal(sealedRecord(current), JSON.stringify(data)) }),
        ...(metadata === undefined ? {} : { metadata: JSON.stringify(metadata) }),
        ...(expires_at === undefined ? {} : { expires_at }),
      })
      .where('id', '=', id)
      .returning(shownColumns)
      .executeTakeFirst()
    if (row === undefined) throw noSuchCredential(String(id))
    return toCredential(row)
  } catch (error) {
    throw isDuplicate(error) ? nameTaken(name ?? '') : error
  }
}

function checkType(type: string, request: UpdateCredentialRequest): void {
  const { credential_type: given, credential_data: data } = request
  const message =
    given === undefined
      ? data === undefined
        ? null
        : `is missing: it says what credential_data holds (${type})`
      : given === type
        ? null
        : `cannot be changed; it is ${type}`
  if (message === null) return
  const problem = { path: '/credential_type', message }
  throw new AppError('invalid_request', `The body is not valid: ${problem.path} ${message}`, {
    problems: [problem],
  })
}

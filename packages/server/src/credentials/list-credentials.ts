import type { Credential } from '@slipway/contract/credentials'
import { requireUnlimited } from '../access/index.ts'
import type { Principal } from '../ports/identity.ts'
import { noSuchCredential, shownColumns, toCredential } from './credential-rows.ts'
import type { CredentialsDeps } from './deps.ts'

/** In the order they were made. `count` is that of all there are. */
export async function listCredentials(
  { db }: Pick<CredentialsDeps, 'db'>,
  input: { principal: Principal; name?: string | undefined; limit: number; offset: number },
): Promise<{ credentials: Credential[]; count: number }> {
  requireUnlimited(input.principal, 'Credentials')
  let all = db.selectFrom('credentials')
  if (input.name !== undefined) all = all.where('name', '=', input.name)
  const [rows, { count }] = await Promise.all([
    all.select(shownColumns).orderBy('id').limit(input.limit).offset(input.offset).execute(),
    all.select((eb) => eb.fn.countAll<number>().as('count')).executeTakeFirstOrThrow(),
  ])
  return { credentials: rows.map(toCredential), count }
}

export async function getCredential(
  { db }: Pick<CredentialsDeps, 'db'>,
  input: { principal: Principal; id: number },
): Promise<Credential> {
  requireUnlimited(input.principal, 'Credentials')
  const row = await db
    .selectFrom('credentials')
    .select(shownColumns)
    .where('id', '=', input.id)
    .executeTakeFirst()
  if (row === undefined) throw noSuchCredential(String(input.id))
  return toCredential(row)
}

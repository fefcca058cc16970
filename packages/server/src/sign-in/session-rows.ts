import { type Kysely, type Selectable, sql } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { IssuedTokens } from '../ports/sign-in.ts'
import type { SealedColumn, SealedRecord, Vault } from '../secrets/index.ts'

export interface SessionStore {
  db: Kysely<Tables>
  vault: Pick<Vault, 'seal' | 'open'>
}

/** A session as it is stored, its tokens unsealed. */
export interface StoredSession {
  id: string
  method: 'oidc' | 'token'
  principalId: string
  /** As the audit log knew them when it began. */
  principalName: string
  tokens: IssuedTokens
  /** Milliseconds since the epoch, here and below; null: the bearer token does not end by itself. */
  bearerExpiresAt: number | null
  expiresAt: number
  endsAt: number
}

/** Where this room keeps what is sealed. */
export const sealedSessions: SealedColumn = {
  table: 'sessions',
  column: 'sealed',
  purpose: 'session',
  identity: ['id'],
  label: 'The session',
}

/** Sessions of one person; the oldest make room. */
const maxOfPrincipal = 100

/** Milliseconds for which one server alone may ask the issuer; longer than it waits for the answer. */
const claimMs = 30_000

const columns = [
  'id',
  'method',
  'principal_id',
  'principal_name',
  'sealed',
  'bearer_expires_at',
  'expires_at',
  'ends_at',
] as const

type Row = Pick<Selectable<Tables['sessions']>, (typeof columns)[number]>

function recordOf(id: string): SealedRecord {
  return { purpose: sealedSessions.purpose, id, label: `The session ${id}` }
}

function toStored({ vault }: SessionStore, row: Row): StoredSession {
  return {
    id: row.id,
    method: row.method,
    principalId: row.principal_id,
    principalName: row.principal_name,
    tokens: JSON.parse(vault.open(recordOf(row.id), row.sealed)) as IssuedTokens,
    bearerExpiresAt: row.bearer_expires_at?.getTime() ?? null,
    expiresAt: row.expires_at.getTime(),
    endsAt: row.ends_at.getTime(),
  }
}

/** Stores a session, and sweeps those that have ended and those that are too many of one person. */
export async function insertSession(
  store: SessionStore,
  session: StoredSession & { secretHash: Buffer },
): Promise<void> {
  const { id, principalId } = session
  await store.db.transaction().execute(async (trx) => {
    await trx.deleteFrom('sessions').where('ends_at', '<=', new Date()).execute()
    await trx
      .insertInto('sessions')
      .values({
        id,
        secret_sha256: session.secretHash,
        method: session.method,
        principal_id: principalId,
        principal_name: session.principalName,
        sealed: store.vault.seal(recordOf(id), JSON.stringify(session.tokens)),
        bearer_expires_at: toDate(session.bearerExpiresAt),
        created_at: new Date(),
        expires_at: new Date(session.expiresAt),
        ends_at: new Date(session.endsAt),
      })
      .execute()
    await sql`
      delete from sessions where id in (
        select id from sessions where principal_id = ${principalId}
         order by created_at desc, id desc offset ${maxOfPrincipal}
      )`.execute(trx)
  })
}

/** Null: there is none that goes on. Rejects with `unavailable` where it cannot be unsealed. */
export async function findSession(
  store: SessionStore,
  by: { secretHash: Buffer } | { id: string },
): Promise<StoredSession | null> {
  const query = store.db.selectFrom('sessions').select(columns).where('ends_at', '>', new Date())
  const found =
    'id' in by ? query.where('id', '=', by.id) : query.where('secret_sha256', '=', by.secretHash)
  const row = await found.executeTakeFirst()
  return row === undefined ? null : toStored(store, row)
}

/** Null: another server has it, or it has ended. */
export async function claimRenewal(store: SessionStore, id: string): Promise<StoredSession | null> {
  const row = await store.db
    .updateTable('sessions')
    .set({ renewing_until: sql`now() + ${claimMs}::float8 * interval '1 ms'` })
    .where('id', '=', id)
    .where('ends_at', '>', new Date())
    .where((eb) =>
      eb.or([eb('renewing_until', 'is', null), eb('renewing_until', '<', sql<Date>`now()`)]),
    )
    .returning(columns)
    .executeTakeFirst()
  return row === undefined ? null : toStored(store, row)
}

/** Ends a claim; what is left out stays as it is. */
export async function endClaim(
  store: SessionStore,
  id: string,
  renewed?: { tokens: IssuedTokens; bearerExpiresAt: number | null },
): Promise<void> {
  await store.db
    .updateTable('sessions')
    .set({
      renewing_until: null,
      ...(renewed === undefined
        ? {}
        : {
            sealed: store.vault.seal(recordOf(id), JSON.stringify(renewed.tokens)),
            bearer_expires_at: toDate(renewed.bearerExpiresAt),
          }),
    })
    .where('id', '=', id)
    .execute()
}

/** Has an idle session end later. One that has ended meanwhile stays so. */
export async function extendSession(
  { db }: Pick<SessionStore, 'db'>,
  id: string,
  endsAt: number,
): Promise<void> {
  await sql`
    update sessions set ends_at = greatest(ends_at, least(expires_at, ${new Date(endsAt)}))
     where id = ${id} and ends_at > now()`.execute(db)
}

export async function deleteSession({ db }: Pick<SessionStore, 'db'>, id: string): Promise<void> {
  await db.deleteFrom('sessions').where('id', '=', id).execute()
}

function toDate(ms: number | null): Date | null {
  return ms === null ? null : new Date(ms)
}

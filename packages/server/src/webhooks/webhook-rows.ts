import type { Webhook } from '@slipway/contract/webhooks'
import { type Kysely, type Selectable, sql } from 'kysely'
import { canSee } from '../access/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'

export type WebhookRow = Selectable<Tables['webhooks']>

/** A row as the API shows it. */
export function toWebhook(row: WebhookRow, now: Date): Webhook {
  const until = row.previous_secret_until
  return {
    id: row.id,
    url: row.url,
    events: row.events,
    repositories: row.repositories,
    description: row.description,
    enabled: row.enabled,
    disabled_reason: row.disabled_reason,
    previous_secret_expires_at: until !== null && until > now ? until.toISOString() : null,
    created_by: row.created_by,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}

/** A principal that is limited to repositories manages the webhooks that are within them. */
export function isWithin(principal: Principal, repositories: readonly string[] | null): boolean {
  if (principal.repositories === null) return true
  return repositories?.every((repository) => canSee(principal, repository)) ?? false
}

/** Condition on `webhooks`: those that the principal manages. */
export function visibleWebhooks(principal: Principal) {
  return principal.repositories === null
    ? sql<boolean>`true`
    : sql<boolean>`webhooks.repositories <@ ${[...principal.repositories]}::text[]`
}

/** The row, which `lock` keeps as it is until the transaction ends. @throws AppError resource_not_found */
export async function findWebhook(
  db: Kysely<Tables>,
  input: { principal: Principal; id: string; lock?: boolean },
): Promise<WebhookRow> {
  const { principal, id } = input
  const query = db.selectFrom('webhooks').selectAll().where('id', '=', id)
  const row = await (input.lock === true ? query.forUpdate() : query).executeTakeFirst()
  if (row === undefined || !isWithin(principal, row.repositories)) {
    throw new AppError('resource_not_found', 'There is no such webhook', { id })
  }
  return row
}

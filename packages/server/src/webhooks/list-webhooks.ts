import type { ListWebhooksResponse, Webhook } from '@slipway/contract/webhooks'
import type { Kysely } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { Principal } from '../ports/identity.ts'
import { findWebhook, toWebhook, visibleWebhooks } from './webhook-rows.ts'

/** Newest first. */
export async function listWebhooks(
  deps: { db: Kysely<Tables> },
  input: { principal: Principal; limit: number; offset: number },
): Promise<ListWebhooksResponse> {
  const { principal, limit, offset } = input
  const visible = deps.db.selectFrom('webhooks').where(visibleWebhooks(principal))
  const [rows, { total }] = await Promise.all([
    visible
      .selectAll()
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .limit(limit)
      .offset(offset)
      .execute(),
    visible.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow(),
  ])
  const now = new Date()
  return { webhooks: rows.map((row) => toWebhook(row, now)), total, limit, offset }
}

/** @throws AppError resource_not_found, also for one that the principal does not see */
export async function getWebhook(
  deps: { db: Kysely<Tables> },
  input: { principal: Principal; id: string },
): Promise<Webhook> {
  return toWebhook(await findWebhook(deps.db, input), new Date())
}

import type { UpdateWebhookRequest, Webhook } from '@slipway/contract/webhooks'
import type { Principal } from '../ports/identity.ts'
import { requireEvents, requireRepositories, requireTarget } from './check-webhook.ts'
import type { WebhooksDeps } from './deps.ts'
import { findWebhook, toWebhook } from './webhook-rows.ts'

/**
 * Changes what the request names. Enabled again, it begins anew: its failures are forgotten, and what
 * waited while it was disabled is sent. Errors as at its creation, and `resource_not_found`.
 */
export async function updateWebhook(
  deps: Pick<WebhooksDeps, 'db' | 'target' | 'wakeSender'>,
  input: { principal: Principal; id: string; request: UpdateWebhookRequest },
): Promise<Webhook> {
  const { principal, id, request } = input
  const { enabled } = request
  await findWebhook(deps.db, { principal, id })
  const changes = {
    ...(request.url === undefined ? {} : { url: await requireTarget(deps.target, request.url) }),
    ...(request.events === undefined ? {} : { events: requireEvents(request.events) }),
    ...(request.repositories === undefined
      ? {}
      : { repositories: requireRepositories(principal, request.repositories) }),
    ...(request.description === undefined ? {} : { description: request.description }),
    ...(enabled === undefined ? {} : { enabled, disabled_reason: null }),
    ...(enabled === true ? { dead_in_row: 0, failing_since: null } : {}),
  }
  const row = await deps.db.transaction().execute(async (trx) => {
    await findWebhook(trx, { principal, id, lock: true })
    return trx
      .updateTable('webhooks')
      .set({ ...changes, updated_at: new Date() })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow()
  })
  deps.wakeSender()
  return toWebhook(row, new Date())
}

/** Deletes it with its deliveries; what is under way may still arrive. @throws AppError resource_not_found */
export async function deleteWebhook(
  deps: Pick<WebhooksDeps, 'db'>,
  input: { principal: Principal; id: string },
): Promise<void> {
  await deps.db.transaction().execute(async (trx) => {
    await findWebhook(trx, { ...input, lock: true })
    await trx.deleteFrom('webhooks').where('id', '=', input.id).execute()
  })
}

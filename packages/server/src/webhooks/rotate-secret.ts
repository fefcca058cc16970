import type { RotatedSecret, RotateSecretRequest } from '@slipway/contract/webhooks'
import type { Principal } from '../ports/identity.ts'
import { requireSecret } from './create-webhook.ts'
import { secretRecord, type WebhooksDeps } from './deps.ts'
import { findWebhook } from './webhook-rows.ts'

const bothForMs = 86_400_000

/**
 * Gives a webhook another secret. For a day everything is signed with the one before, too; rotated once
 * more within it, the day begins again for the one replaced then. @throws AppError resource_not_found,
 * invalid_request
 */
export async function rotateSecret(
  deps: Pick<WebhooksDeps, 'db' | 'vault'>,
  input: { principal: Principal; id: string; request: RotateSecretRequest },
): Promise<RotatedSecret> {
  const { principal, id, request } = input
  const secret = requireSecret(request.secret)
  const now = new Date()
  const until = new Date(now.getTime() + bothForMs)
  await deps.db.transaction().execute(async (trx) => {
    const row = await findWebhook(trx, { principal, id, lock: true })
    await trx
      .updateTable('webhooks')
      .set({
        secret: deps.vault.seal(secretRecord(id), secret),
        previous_secret: row.secret,
        previous_secret_until: until,
        updated_at: now,
      })
      .where('id', '=', id)
      .execute()
  })
  return { secret, previous_secret_expires_at: until.toISOString() }
}

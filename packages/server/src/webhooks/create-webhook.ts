import type { CreatedWebhook, CreateWebhookRequest } from '@slipway/contract/webhooks'
import { sql } from 'kysely'
import { v7 as uuid } from 'uuid'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { requireEvents, requireRepositories, requireTarget } from './check-webhook.ts'
import { secretRecord, type WebhooksDeps } from './deps.ts'
import { isWebhookSecret, newWebhookSecret } from './sign-delivery.ts'
import { toWebhook } from './webhook-rows.ts'

const maxWebhooks = 100

/**
 * Makes a webhook; the answer is the only place where its secret ever appears. Refused with
 * `invalid_request` for a target that may not be reached or a type that no event has, with
 * `authorization_failed` for repositories that the principal does not see, with `limit_exceeded` when
 * there are 100 already.
 */
export async function createWebhook(
  deps: Omit<WebhooksDeps, 'wakeSender'>,
  input: { principal: Principal; request: CreateWebhookRequest },
): Promise<CreatedWebhook> {
  const { principal, request } = input
  const id = uuid()
  const secret = requireSecret(request.secret)
  const events = requireEvents(request.events ?? null)
  const repositories = requireRepositories(principal, request.repositories ?? null)
  const url = await requireTarget(deps.target, request.url)
  const now = new Date()
  const row = await deps.db.transaction().execute(async (trx) => {
    // Of two at once the second sees the first.
    await sql`lock table webhooks in share row exclusive mode`.execute(trx)
    const { total } = await trx
      .selectFrom('webhooks')
      .select((eb) => eb.fn.countAll<number>().as('total'))
      .executeTakeFirstOrThrow()
    if (total >= maxWebhooks) {
      throw new AppError('limit_exceeded', `There can be ${maxWebhooks} webhooks`, {
        limit: maxWebhooks,
      })
    }
    return trx
      .insertInto('webhooks')
      .values({
        id,
        url,
        events,
        repositories,
        description: request.description ?? null,
        enabled: request.enabled ?? true,
        secret: deps.vault.seal(secretRecord(id), secret),
        created_by: principal.name,
        created_at: now,
        updated_at: now,
      })
      .returningAll()
      .executeTakeFirstOrThrow()
  })
  return { ...toWebhook(row, now), secret }
}

/** The secret given, or a new one. @throws AppError invalid_request */
export function requireSecret(given: string | undefined): string {
  if (given === undefined) return newWebhookSecret()
  if (isWebhookSecret(given)) return given
  throw new AppError('invalid_request', 'The secret cannot be used', {
    problems: [{ path: '/secret', message: 'must be whsec_ and 24 to 64 bytes in base64' }],
  })
}

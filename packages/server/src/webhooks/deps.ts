import type { UnitOfWorkDeps } from '../db/unit-of-work.ts'
import type { SealedColumn, SealedRecord, Vault } from '../secrets/index.ts'
import type { TargetGuard } from './check-target.ts'

export interface WebhooksDeps extends UnitOfWorkDeps {
  vault: Pick<Vault, 'seal' | 'open'>
  target: TargetGuard
  /** Told when a delivery may be due, so that nobody polls. */
  wakeSender: () => void
}

const purpose = 'webhook'
const label = 'The secret of the webhook'

/** What a webhook's secrets are sealed as. */
export function secretRecord(webhookId: string): SealedRecord {
  return { purpose, id: webhookId, label: `${label} ${webhookId}` }
}

/** Where this room keeps what is sealed. */
export const sealedWebhookColumns: readonly SealedColumn[] = [
  { table: 'webhooks', column: 'secret', purpose, identity: ['id'], label },
  { table: 'webhooks', column: 'previous_secret', purpose, identity: ['id'], label },
]

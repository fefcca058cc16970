import { sealedCredentials } from './credentials/index.ts'
import { type SealedColumn, sealedStepSecrets } from './secrets/index.ts'
import { sealedSessions } from './sign-in/index.ts'
import { sealedWebhookColumns } from './webhooks/index.ts'

/** Everything in the database that is encrypted under the master key. */
export const sealedColumns: readonly SealedColumn[] = [
  sealedStepSecrets,
  sealedCredentials,
  ...sealedWebhookColumns,
  sealedSessions,
]

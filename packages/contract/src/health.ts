import Type, { type Static } from 'typebox'
import { Timestamp } from './fields.ts'

export const CheckResult = Type.Enum(['pass', 'fail'])

/** `GET /health`, `/livez` and `/readyz`: 200 when every check passes, 503 otherwise. */
export const Health = Type.Object(
  {
    status: Type.Enum(['healthy', 'unhealthy']),
    timestamp: Timestamp,
    checks: Type.Record(Type.String(), CheckResult, {
      description:
        'database, job_bus, executor, object_storage, orchestrator (where that is not the server).',
    }),
  },
  { $id: 'Health' },
)
export type Health = Static<typeof Health>

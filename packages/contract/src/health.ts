import Type, { type Static } from 'typebox'
import { Timestamp } from './fields.ts'

export const CheckResult = Type.Enum(['pass', 'fail'])

/**
 * `GET /health`, `/livez` and `/readyz`: 200 when every check passes, 503 otherwise. A server that is degraded
 * does what it is asked, though not all of it at once: `/readyz` is 200 then.
 */
export const Health = Type.Object(
  {
    status: Type.Enum(['healthy', 'degraded', 'unhealthy'], {
      description:
        '`degraded`: new runs are accepted and wait until the job bus, or the orchestrator, is back; all else works.',
    }),
    timestamp: Timestamp,
    checks: Type.Record(Type.String(), CheckResult, {
      description:
        'database, job_bus, executor, object_storage, orchestrator (where that is not the server).',
    }),
  },
  { $id: 'Health' },
)
export type Health = Static<typeof Health>

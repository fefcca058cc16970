import { sql } from 'kysely'
import type { HookDeps } from './deps.ts'

/** How often a delegation is said to be wanted while its hooks wait for something. */
const everyMs = 60_000

/** Does work for the hooks of a proxy; as long as it takes, the proxy is there. */
export async function keepTouched<T>(
  deps: Pick<HookDeps, 'db' | 'log'>,
  id: string,
  work: () => Promise<T>,
): Promise<T> {
  const touch = () =>
    sql`update delegations set updated_at = clock_timestamp() where id = ${id}::uuid`
      .execute(deps.db)
      .catch((err: unknown) => deps.log.warn({ err, delegation_id: id }, 'a job was not touched'))
  await touch()
  const timer = setInterval(() => void touch(), everyMs)
  try {
    return await work()
  } finally {
    clearInterval(timer)
    await touch()
  }
}

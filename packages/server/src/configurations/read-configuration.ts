import { findConfiguration, toConfiguration } from './configuration-rows.ts'
import type { ConfigurationToApply } from './configuration-to-apply.ts'
import type { ConfigurationsDeps } from './deps.ts'

/** A configuration for `applyConfiguration`, as it is now; archived or not. `resource_not_found` where it is gone. */
export async function readConfiguration(
  { db }: ConfigurationsDeps,
  { id }: { id: number },
): Promise<ConfigurationToApply> {
  const { name, settings, targets } = toConfiguration(await findConfiguration(db, id))
  return { name, settings, targets }
}

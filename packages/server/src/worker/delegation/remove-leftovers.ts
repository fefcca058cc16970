import { containerLabels, type DelegationControl } from '../../runners/index.ts'
import { delegationOf, isWarmName } from './container-names.ts'
import type { DelegationWorkDeps } from './deps.ts'
import { discard } from './start-container.ts'

/** Milliseconds for which a container may be there without whoever made it knowing of it yet. */
const youngMs = 120_000

/**
 * Removes containers of this server that nobody needs any more: of delegations that are over, and of
 * warm ones those that nobody waits for.
 */
export async function removeLeftovers(
  deps: Pick<DelegationWorkDeps, 'host' | 'pool' | 'secrets' | 'log' | 'owner' | 'inHand'> & {
    delegations: Pick<DelegationControl, 'findUnfinished'>
  },
  signal: AbortSignal,
): Promise<void> {
  const { host, pool, inHand, secrets } = deps
  const all = await host.list({ [containerLabels.owner]: deps.owner }, signal)
  const kept = await secrets.list()
  const jobOf = ({ name, labels }: (typeof all)[number]) =>
    delegationOf(name) ?? labels[containerLabels.delegation] ?? null
  const jobs = new Set([...all.map(jobOf), ...kept].filter((id) => id !== null))
  const unfinished = new Set(await deps.delegations.findUnfinished([...jobs]))
  const isNeeded = (id: string) => inHand.has(id) || unfinished.has(id)
  for (const found of all) {
    signal.throwIfAborted()
    const job = jobOf(found)
    const isYoung = Date.now() - found.createdAt.getTime() < youngMs
    if (job === null ? pool.has(found.id) || (isWarmName(found.name) && isYoung) : isNeeded(job)) {
      continue
    }
    deps.log.debug(
      { container: found.id, delegation_id: job },
      'removing a container that nobody needs',
    )
    await discard(deps, found.id)
  }
  await host.removeOrphans({ [containerLabels.owner]: deps.owner }, signal)
  for (const id of kept) if (!isNeeded(id)) await secrets.drop(id)
}

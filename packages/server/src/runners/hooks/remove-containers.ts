import { setTimeout as sleep } from 'node:timers/promises'
import { transact } from '../../db/unit-of-work.ts'
import type { Principal } from '../../ports/identity.ts'
import { lockVisibleDelegation } from '../delegation-rows.ts'
import { hasEnded } from '../delegation-states.ts'
import { endWithJob } from '../end-delegation.ts'
import { waitForDelegation } from '../wait-for-delegation.ts'
import type { HookDeps } from './deps.ts'
import { findHooked } from './find-hooked.ts'
import { labelsOf } from './freeze.ts'

/** Milliseconds that a container which was asked to end by `proxy-complete` has for it. */
const endMs = 30_000
/** Milliseconds that whoever looks after the container has to remove it. */
const removalMs = 15_000
const lookMs = 100

/**
 * Removes the containers of a job, whatever state they are in, and ends the job if it has not: as its proxy
 * said (`proxy-complete`), else as cancelled. Answers how many there were; repeating it changes nothing.
 */
export async function removeJobContainers(
  deps: HookDeps,
  input: { principal: Principal; id: string },
  signal: AbortSignal,
): Promise<{ removed: number }> {
  const { principal, id } = input
  const after = await deps.feed.lastSeq()
  const { row } = await findHooked(deps, input)
  const all = await deps.host.list(labelsOf(deps, row), signal)
  const main = row.container_id
  for (const found of all) {
    if (found.id !== main) await deps.host.remove(found.id)
  }
  if (row.status === 'running' && row.proxy_status !== null) {
    const late = AbortSignal.any([signal, AbortSignal.timeout(endMs)])
    await waitForDelegation(deps, { id, repository: row.repository, after }, late)
  }
  await end(deps, { principal, id })
  if (main === null) return { removed: all.length }
  const until = performance.now() + removalMs
  while ((await deps.host.find(main, signal)) !== null) {
    if (performance.now() > until) {
      await deps.host.remove(main)
      break
    }
    await sleep(lookMs, undefined, { signal })
  }
  return { removed: all.length }
}

async function end(deps: HookDeps, input: { principal: Principal; id: string }): Promise<void> {
  await transact(deps, async (unit) => {
    const delegation = await lockVisibleDelegation(unit.trx, input)
    if (hasEnded(delegation.status)) return
    const said = delegation.proxyStatus as 'completed' | 'failed' | 'cancelled' | null
    await endWithJob(deps, unit, delegation, {
      status: said ?? 'cancelled',
      reason: said === null ? 'Its proxy removed its container' : null,
    })
  })
}

import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../../errors.ts'
import type { DelegationAttempt } from '../../runners/index.ts'
import { nameOfJob } from './container-names.ts'
import type { DelegationWorkDeps } from './deps.ts'

/** A container that is ready to start under its delegation's name. */
export interface ReadyContainer {
  id: string
  /** What it has to be told at its start beside the configuration. */
  env: Readonly<Record<string, string>>
}

/** Milliseconds for which an engine or a registry that is away is waited for, and between two tries. */
const patienceMs = 60_000
const againMs = 1_000

/**
 * One that was created ahead, else a new one. An engine that is being restarted is waited for. Rejects as
 * the host does, and leaves nothing then.
 */
export async function readyContainer(
  deps: Pick<DelegationWorkDeps, 'host' | 'pool' | 'log'>,
  attempt: DelegationAttempt,
  signal: AbortSignal,
): Promise<ReadyContainer> {
  return withPatience(() => readyOnce(deps, attempt, signal), signal)
}

/** Does it, again and again for a minute where the engine is away: that is no fault of the job's. */
export async function withPatience<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const until = performance.now() + patienceMs
  for (;;) {
    try {
      return await work()
    } catch (error) {
      signal.throwIfAborted()
      const isAway = error instanceof AppError && error.code === 'unavailable'
      if (!isAway || performance.now() > until) throw error
      await sleep(againMs, undefined, { signal })
    }
  }
}

async function readyOnce(
  { host, pool, log }: Pick<DelegationWorkDeps, 'host' | 'pool' | 'log'>,
  attempt: DelegationAttempt,
  signal: AbortSignal,
): Promise<ReadyContainer> {
  const name = nameOfJob(attempt.delegationId)
  const warm = pool.take(attempt.className, attempt.spec)
  if (warm !== null) {
    try {
      await host.rename(warm.id, name, signal)
      return warm
    } catch (error) {
      await discard({ host, log }, warm.id)
      // It may have been removed meanwhile, by whoever tidies up the engine.
      if (!(error instanceof AppError) || error.code !== 'resource_not_found') throw error
    }
  }
  const create = async () => ({
    id: await host.create({ ...attempt.spec, name }, signal),
    env: {},
  })
  try {
    return await create()
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'resource_conflict') throw error
    // Created by a try that was not answered any more.
    const found = await host.find(name, signal)
    if (found?.state !== 'created') throw error
    await host.remove(found.id)
    return create()
  }
}

/** Removes a container. What cannot be removed now is a leftover, which is looked for again and again. */
export async function discard(
  { host, log }: Pick<DelegationWorkDeps, 'host' | 'log'>,
  id: string,
): Promise<boolean> {
  try {
    await host.remove(id)
    return true
  } catch (error) {
    log.warn({ err: error, container: id }, 'a container could not be removed')
    return false
  }
}

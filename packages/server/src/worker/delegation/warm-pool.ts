import type { Logger } from 'pino'
import type { ContainerHost } from '../../ports/container-host.ts'
import { containerLabels } from '../../runners/index.ts'
import { isWarmName, nameWarm } from './container-names.ts'
import { fingerprintOf, lateEnvironment, type WarmSpec } from './warm-spec.ts'

/** A class of which containers are created before they are needed. */
export interface WarmClass {
  name: string
  /** How many wait. */
  warm: number
  spec: WarmSpec
}

/** Created containers that nobody has yet. */
export interface WarmPool {
  /** How many wait, by class. */
  readonly sizes: ReadonlyMap<string, number>
  /** Takes over what a predecessor left that is still wanted, and begins to fill. Never rejects. */
  open(): void
  /**
   * One of the class that can become what is wanted, with what it has to be told for that; null: there is
   * none. It is the caller's from now on, and another takes its place.
   */
  take(className: string, wanted: WarmSpec): { id: string; env: Record<string, string> } | null
  /** It waits here, or did a moment ago: what was listed then may be a job's by now. */
  has(id: string): boolean
  /** Creates no more; those that wait stay for the next process. */
  close(): Promise<void>
}

/** Of what the container was made, told by a label. */
const fingerprintLabel = 'io.slipway.warm.fingerprint'
/** Milliseconds after which another is created for one that was taken: what starts just now goes first. */
const refillMs = 500
const firstPauseMs = 1_000
const longestPauseMs = 60_000
/** Milliseconds for which one that was taken is known still: who has listed containers may be that late. */
const takenMs = 120_000

export function createWarmPool(
  deps: { host: ContainerHost; log: Pick<Logger, 'warn' | 'debug'>; owner: string },
  classes: readonly WarmClass[],
): WarmPool {
  const { host, log, owner } = deps
  const closing = new AbortController()
  const wanted = classes
    .filter(({ warm }) => warm > 0)
    .map((each) => ({
      ...each,
      fingerprint: fingerprintOf(each.spec),
      ids: [] as string[],
      pauseMs: firstPauseMs,
      /** When it is tried again after a failure, by `performance.now()`. */
      notBefore: 0,
    }))
  /** When they were, by `performance.now()`; the oldest first. */
  const taken = new Map<string, number>()
  let filling: Promise<void> | null = null
  let isStale = false

  const takeOver = async (): Promise<void> => {
    const found = await host.list({ [containerLabels.owner]: owner }, closing.signal)
    for (const { id, name, state, labels } of found) {
      if (!isWarmName(name) || has(id)) continue
      const own = wanted.find(({ fingerprint }) => labels[fingerprintLabel] === fingerprint)
      if (state === 'created' && own !== undefined && own.ids.length < own.warm) own.ids.push(id)
      // Of a class that has changed or is gone, or more than are wanted.
      else await host.remove(id)
    }
  }

  const fillUp = async (each: (typeof wanted)[number]): Promise<void> => {
    if (isStale) await takeOver()
    isStale = false
    while (each.ids.length < each.warm) {
      const labels = {
        [containerLabels.owner]: owner,
        [containerLabels.warm]: each.name,
        [fingerprintLabel]: each.fingerprint,
      }
      each.ids.push(await host.create({ ...each.spec, labels, name: nameWarm() }, closing.signal))
    }
    each.pauseMs = firstPauseMs
  }

  /** Each class by itself: one whose image is missing does not keep the others from theirs. */
  const fill = async (): Promise<void> => {
    for (const each of wanted) {
      if (each.notBefore > performance.now()) continue
      try {
        await fillUp(each)
      } catch (error) {
        if (closing.signal.aborted) return
        log.warn({ err: error, class: each.name }, 'containers could not be created ahead')
        // It may have been created although nobody answered so.
        isStale = true
        each.notBefore = performance.now() + each.pauseMs
        each.pauseMs = Math.min(each.pauseMs * 2, longestPauseMs)
      }
    }
    const missing = wanted.filter(({ ids, warm }) => ids.length < warm)
    if (closing.signal.aborted || missing.length === 0) return
    const next = Math.min(...missing.map(({ notBefore }) => notBefore)) - performance.now()
    clearTimeout(again)
    again = setTimeout(refill, Math.max(refillMs, next))
  }
  const refill = () => {
    if (closing.signal.aborted) return
    filling = (filling ?? Promise.resolve()).then(fill)
  }
  let later: NodeJS.Timeout | undefined
  let again: NodeJS.Timeout | undefined
  const refillLater = () => {
    later ??= setTimeout(() => {
      later = undefined
      refill()
    }, refillMs)
  }
  const forgetTaken = () => {
    for (const [id, at] of taken) {
      if (at > performance.now() - takenMs) return
      taken.delete(id)
    }
  }
  const has = (id: string) => {
    forgetTaken()
    return taken.has(id) || wanted.some(({ ids }) => ids.includes(id))
  }

  return {
    get sizes() {
      return new Map(wanted.map(({ name, ids }) => [name, ids.length]))
    },
    open() {
      isStale = true
      if (wanted.length > 0) refill()
      // Nobody may have an engine then, and there is nothing to be told.
      else filling = takeOver().catch(() => undefined)
    },
    take(className, spec) {
      const own = wanted.find(({ name }) => name === className)
      if (own === undefined || own.ids.length === 0) return null
      const env = lateEnvironment(own.spec, spec)
      if (env === null) return null
      const id = own.ids.shift()
      if (id === undefined) return null
      forgetTaken()
      taken.set(id, performance.now())
      refillLater()
      return { id, env }
    },
    has,
    async close() {
      closing.abort(new Error('the pool is closed'))
      clearTimeout(later)
      clearTimeout(again)
      await filling
    },
  }
}

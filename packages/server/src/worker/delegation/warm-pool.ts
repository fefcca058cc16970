import { setTimeout as sleep } from 'node:timers/promises'
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
  /** It waits here. */
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

export function createWarmPool(
  deps: { host: ContainerHost; log: Pick<Logger, 'warn' | 'debug'>; owner: string },
  classes: readonly WarmClass[],
): WarmPool {
  const { host, log, owner } = deps
  const closing = new AbortController()
  const wanted = classes
    .filter(({ warm }) => warm > 0)
    .map((each) => ({ ...each, fingerprint: fingerprintOf(each.spec), ids: [] as string[] }))
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

  const fillOnce = async (): Promise<void> => {
    for (const each of wanted) {
      while (each.ids.length < each.warm) {
        const labels = {
          [containerLabels.owner]: owner,
          [containerLabels.warm]: each.name,
          [fingerprintLabel]: each.fingerprint,
        }
        each.ids.push(await host.create({ ...each.spec, labels, name: nameWarm() }, closing.signal))
      }
    }
  }

  const fill = async (): Promise<void> => {
    let isOpen = false
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      try {
        if (!isOpen && isStale) await takeOver()
        isOpen = true
        isStale = false
        await fillOnce()
        return
      } catch (error) {
        if (closing.signal.aborted) return
        log.warn({ err: error }, 'containers could not be created ahead')
        // It may have been created although nobody answered so.
        isOpen = false
        isStale = true
        await sleep(pauseMs, undefined, { signal: closing.signal }).catch(() => undefined)
        if (closing.signal.aborted) return
      }
    }
  }
  const refill = () => {
    if (closing.signal.aborted) return
    filling = (filling ?? Promise.resolve()).then(fill)
  }
  let later: NodeJS.Timeout | undefined
  const refillLater = () => {
    later ??= setTimeout(() => {
      later = undefined
      refill()
    }, refillMs)
  }
  const has = (id: string) => wanted.some(({ ids }) => ids.includes(id))

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
      refillLater()
      return { id, env }
    },
    has,
    async close() {
      clearTimeout(later)
      closing.abort(new Error('the pool is closed'))
      await filling
    },
  }
}

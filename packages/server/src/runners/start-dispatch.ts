import { type Duty, type DutyDeps, startDuty } from '../duties/index.ts'
import type { EventFeed } from '../events/index.ts'
import type { RunnersDeps } from './deps.ts'
import { dispatchDelegations, judgeQueued } from './dispatch-delegations.ts'

/**
 * Milliseconds after which it is looked without a word of anybody, too: what GitHub refused may be tried
 * again at a moment that nobody announces.
 */
const lookMs = 5_000
const types = { exact: ['runner.job.delegated', 'runner.job.updated'], prefixes: [] }

/**
 * Keeps giving queued jobs to workers, from one server at a time: whenever a job is delegated or leaves its
 * place, here or on another server, and when it takes over, of all that wait. `wake` says the former
 * of this server, faster than its event comes.
 */
export function startDispatch(
  deps: DutyDeps & Pick<RunnersDeps, 'db' | 'wakeEvents' | 'wakeJobs' | 'classes' | 'feed'>,
): { wake(): void; close(): Promise<void> } {
  const bell = createBell()
  const duty: Duty = startDuty(deps, {
    name: 'runner-dispatch',
    everyMs: 1_000,
    async run(signal) {
      const after = await deps.feed.lastSeq()
      await judgeQueued(deps, signal)
      const ended = new AbortController()
      const both = AbortSignal.any([signal, ended.signal])
      const listening = listen(deps.feed, after, both, bell.ring)
      const dispatching = (async () => {
        while (!both.aborted) {
          await dispatchDelegations(deps, both)
          await bell.heard(lookMs, both)
        }
      })()
      // Whichever ends first ends the other, and its error is the turn's.
      try {
        await Promise.race([listening, dispatching])
      } finally {
        ended.abort()
        await Promise.allSettled([listening, dispatching])
      }
    },
  })
  return { wake: bell.ring, close: () => duty.close() }
}

async function listen(
  feed: EventFeed,
  after: number,
  signal: AbortSignal,
  ring: () => void,
): Promise<void> {
  const filter = { types, visibleRepositories: null }
  for await (const _event of feed.follow({ after, filter }, signal)) ring()
}

/** Rings that come while nobody listens are heard once, by the next who does. */
function createBell(): { ring(): void; heard(mostMs: number, signal: AbortSignal): Promise<void> } {
  let rung = false
  let hear = () => {}
  return {
    ring() {
      rung = true
      hear()
    },
    async heard(mostMs, signal) {
      await new Promise<void>((resolve) => {
        if (rung || signal.aborted) return resolve()
        const settle = () => {
          clearTimeout(timer)
          signal.removeEventListener('abort', settle)
          resolve()
        }
        const timer = setTimeout(settle, mostMs)
        hear = settle
        signal.addEventListener('abort', settle, { once: true })
      })
      hear = () => {}
      rung = false
    },
  }
}

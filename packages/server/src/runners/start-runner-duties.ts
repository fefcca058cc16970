import { type DutyDeps, startDuty } from '../duties/index.ts'
import type { KeptTimes } from '../retention/index.ts'
import { markSilent } from './beat-heart.ts'
import type { RunnersDeps } from './deps.ts'
import { measureDelegations } from './figures.ts'
import {
  endWordless,
  pruneDelegations,
  pruneRunners,
  sealDelegationLogs,
  wordlessMs,
} from './prune-delegations.ts'

const hourMs = 3_600_000
const minuteMs = 60_000

/**
 * Starts what is done about runners and their jobs without being asked: silent runners go offline at their
 * moment, lost jobs end, old ones are deleted, and runners that nobody has heard of for as long; each data directory seals the logs that nobody writes any
 * more.
 */
export function startRunnerDuties(
  deps: DutyDeps & RunnersDeps,
  options: {
    /** Of the data directory. */
    home: string
    retention: KeptTimes
  },
): { close(): Promise<void> } {
  const { home, retention } = options
  const since = (ms: number) => new Date(Date.now() - ms)
  const duties = [
    startDuty(deps, {
      name: 'runner-heartbeats',
      everyMs: 5_000,
      run: async () => (await markSilent(deps)) ?? undefined,
    }),
    startDuty(deps, {
      name: 'runner-jobs-lost',
      everyMs: 10 * minuteMs,
      run: async (signal) => void (await endWordless(deps, { before: since(wordlessMs), signal })),
    }),
    startDuty(deps, {
      name: 'runner-figures',
      everyMs: minuteMs,
      run: (signal) => measureDelegations(deps, signal),
    }),
    startDuty(deps, {
      name: 'runner-retention',
      everyMs: hourMs,
      run: async (signal) => {
        // What is deleted stays counted.
        await measureDelegations(deps, signal)
        const { runs, logs } = await retention.read()
        const times = { before: since(runs), logsBefore: since(logs) }
        const removed = await pruneDelegations(deps, { ...times, signal })
        await pruneRunners(deps, times)
        if (!signal.aborted) await retention.note('delegations', removed)
      },
    }),
    startDuty(deps, {
      name: `seal runner logs of ${home}`,
      everyMs: 10 * minuteMs,
      run: async (signal) => void (await sealDelegationLogs(deps, signal)),
    }),
  ]
  return {
    async close() {
      await Promise.all(duties.map((duty) => duty.close()))
    },
  }
}

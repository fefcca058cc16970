import { type DutyDeps, startDuty } from '../duties/index.ts'
import type { KeptTimes } from '../retention/index.ts'
import { cleanUpOutputs } from './clean-up.ts'
import type { BuildsDeps } from './deps.ts'
import { pruneBuilds } from './prune-builds.ts'
import { sealBuildLogs } from './seal-build-logs.ts'
import { sweepAttempts } from './sweep-attempts.ts'

const hourMs = 3_600_000
/** A worker that was given up has stopped long before. */
const graceMs = 600_000

/**
 * Starts what is done about builds without being asked: expired outputs, what dead attempts left and old
 * builds are removed hourly by one server, and each data directory seals the logs that nobody writes any
 * more.
 */
export function startBuildDuties(
  deps: DutyDeps & Pick<BuildsDeps, 'objects' | 'images' | 'logs'>,
  options: {
    /** Of the data directory. */
    home: string
    retention: KeptTimes
  },
): { close(): Promise<void> } {
  const duties = [
    startDuty(deps, {
      name: 'build-cleanup',
      everyMs: hourMs,
      run: async (signal) => {
        await cleanUpOutputs(deps, { principal: null, signal })
        await sweepAttempts(deps, { graceMs, signal })
        const { runs } = await options.retention.read()
        const removed = await pruneBuilds(deps, { before: new Date(Date.now() - runs), signal })
        if (!signal.aborted) await options.retention.note('builds', removed)
      },
    }),
    startDuty(deps, {
      name: `seal build logs of ${options.home}`,
      everyMs: 60_000,
      run: async (signal) => void (await sealBuildLogs(deps, signal)),
    }),
  ]
  return {
    async close() {
      await Promise.all(duties.map((duty) => duty.close()))
    },
  }
}

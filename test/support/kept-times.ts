import type { KeptTimes } from '../../packages/server/src/retention/index.ts'

/** Times that do not change, for duties under test. */
export function keptFor({ runsMs, logsMs }: { runsMs: number; logsMs: number }): KeptTimes {
  return {
    read: () => Promise.resolve({ runs: runsMs, logs: logsMs, jobs: runsMs, events: runsMs }),
    note: () => Promise.resolve(),
  }
}

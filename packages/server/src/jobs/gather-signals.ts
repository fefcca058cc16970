import type { Signal } from './worker-signals.ts'

/** Ids in one signal; more are looked up. */
const mostJobs = 1_000

/** Signals that came while the reader was behind, as few that say the same. */
export interface GatheredSignals {
  add(signal: Signal): void
  /** All of them, and forgets them. */
  take(): Signal[]
}

export function gatherSignals(): GatheredSignals {
  let types: Set<string> | 'any' = new Set()
  let jobs: Set<string> | 'any' = new Set()
  let drain = false
  return {
    add(signal) {
      if (signal.type === 'drain') drain = true
      else if (signal.type === 'queued') {
        if (signal.types === null) types = 'any'
        else if (types !== 'any') for (const type of signal.types) types.add(type)
      } else if (signal.jobs === null) jobs = 'any'
      else if (jobs !== 'any') {
        for (const job of signal.jobs) jobs.add(job)
        if (jobs.size > mostJobs) jobs = 'any'
      }
    },
    take() {
      const signals: Signal[] = []
      if (jobs === 'any') signals.push({ type: 'stopped', jobs: null })
      else if (jobs.size > 0) signals.push({ type: 'stopped', jobs: [...jobs] })
      if (types === 'any') signals.push({ type: 'queued', types: null })
      else if (types.size > 0) signals.push({ type: 'queued', types: [...types] })
      if (drain) signals.push({ type: 'drain' })
      types = new Set()
      jobs = new Set()
      drain = false
      return signals
    },
  }
}

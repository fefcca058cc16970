import type { ExecutionLimits } from '../../../ports/executor.ts'
import type { Controller } from './locate-cgroups.ts'

export interface LimitWrite {
  file: string
  value: string
  /** The kernel may have been built, or booted, without it. */
  optional: boolean
}

const period = 100_000

/** What to write into a new group, in order, so that `controller` holds the execution to its limits. */
export function limitWrites(
  version: 1 | 2,
  controller: Controller,
  limits: Pick<ExecutionLimits, 'memoryBytes' | 'pids' | 'cpus'>,
): LimitWrite[] {
  const write = (file: string, value: number | string, optional = false): LimitWrite => ({
    file,
    value: String(value),
    optional,
  })
  switch (controller) {
    case 'memory': {
      if (limits.memoryBytes === null) return []
      const bytes = Math.floor(limits.memoryBytes)
      // Swap is no way around the limit; in version 1 the sum may not be below the first.
      return version === 2
        ? [write('memory.max', bytes), write('memory.swap.max', 0, true)]
        : [write('memory.limit_in_bytes', bytes), write('memory.memsw.limit_in_bytes', bytes, true)]
    }
    case 'pids':
      return limits.pids === null ? [] : [write('pids.max', Math.floor(limits.pids))]
    case 'cpu': {
      if (limits.cpus === null) return []
      // The kernel refuses a quota below one millisecond.
      const quota = Math.max(1_000, Math.round(limits.cpus * period))
      return version === 2
        ? [write('cpu.max', `${quota} ${period}`)]
        : [write('cpu.cfs_period_us', period), write('cpu.cfs_quota_us', quota)]
    }
  }
}

/** How often the kernel killed for want of memory: `memory.oom_control` or `memory.events`. */
export function parseOomKills(text: string): number {
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0)
}

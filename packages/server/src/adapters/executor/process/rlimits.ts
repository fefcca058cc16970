import type { ExecutionLimits } from '../../../ports/executor.ts'
import type { Controller } from './locate-cgroups.ts'

/**
 * What goes before a command where no control group limits it. These limits hold for each process,
 * not for the tree; `nproc` counts by user, and not at all for the host's root.
 */
export function rlimitPrefix(
  prlimit: string | null,
  limits: Pick<ExecutionLimits, 'memoryBytes' | 'pids'>,
  grouped: ReadonlySet<Controller>,
): string[] {
  if (prlimit === null) return []
  const options: string[] = []
  if (limits.memoryBytes !== null && !grouped.has('memory')) {
    options.push(`--data=${Math.floor(limits.memoryBytes)}`)
  }
  if (limits.pids !== null && !grouped.has('pids')) {
    options.push(`--nproc=${Math.floor(limits.pids)}`)
  }
  return options.length === 0 ? [] : [prlimit, ...options, '--']
}

/** In words: what limits an execution on this machine. */
export function describeLimits(
  cgroups: { version: 1 | 2; controllers: ReadonlySet<Controller> } | null,
  prlimit: string | null,
  refusal: string | null,
): string {
  const grouped = [...(cgroups?.controllers ?? [])]
  const parts: string[] = []
  if (cgroups && grouped.length > 0) {
    parts.push(`${grouped.join(', ')} limited by cgroup v${cgroups.version}`)
  }
  const others = (['memory', 'pids'] as const).filter((name) => !grouped.includes(name))
  if (others.length > 0) {
    const how = prlimit === null ? 'not limited' : 'limited for each process only (rlimits)'
    parts.push(`${others.join(', ')} ${how}`)
  }
  if (!grouped.includes('cpu')) parts.push('cpu not limited')
  return refusal === null ? parts.join('; ') : `${parts.join('; ')}: ${refusal}`
}

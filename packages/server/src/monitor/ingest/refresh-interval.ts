/** Milliseconds after which GitHub lets no job of its own runners go on. */
const longestJobMs = 6 * 3_600_000
const longestMs = 3_600_000

/**
 * Milliseconds from one look at an unfinished run's jobs to the next. What is at work is looked at with
 * every poll; what has long waited for somebody, less and less often, so that it costs next to nothing.
 */
export function refreshInterval(
  run: { githubStatus: string; runStartedAt: Date; updatedAt: Date },
  { now, pollMs }: { now: number; pollMs: number },
): number {
  const isAtWork = run.githubStatus === 'in_progress'
  if (isAtWork && now - run.runStartedAt.getTime() < longestJobMs) return pollMs
  const quietMs = now - Math.max(run.runStartedAt.getTime(), run.updatedAt.getTime())
  return Math.max(pollMs, Math.min(longestMs, quietMs / 10))
}

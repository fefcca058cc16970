import type { GitHubError } from '../../ports/github.ts'

const longestMs = { away: 300_000, refused: 900_000 }
/** What is gone is looked for again now and then; soon at first, since GitHub errs sometimes. */
const lostMs = { first: 300_000, longest: 3_600_000 }

/** Milliseconds until a repository is asked about again that could not be `failures` times in a row. */
export function pollDelay(
  error: Pick<GitHubError, 'reason' | 'retryAfterMs'>,
  input: { failures: number; pollMs: number; random: number },
): number {
  const { failures, pollMs, random } = input
  switch (error.reason) {
    case 'missing':
      return Math.max(
        pollMs,
        lostMs.first,
        Math.min(lostMs.longest, pollMs * 2 ** Math.min(failures + 1, 10)),
      )
    case 'limited':
      // Not all at once when the limit ends.
      return Math.max(pollMs, error.retryAfterMs ?? 0) + random * pollMs
    case 'refused':
    case 'invalid':
      return Math.max(pollMs, Math.min(longestMs.refused, pollMs * 2 ** Math.min(failures, 10)))
    case 'away':
      return Math.max(pollMs, Math.min(longestMs.away, pollMs * 2 ** Math.min(failures - 1, 10)))
  }
}

/** Milliseconds between a rejected attempt (1 for the first) and the next: 1 s, doubling, at most a minute. */
export function retryDelayMs(attempt: number): number {
  return Math.min(60_000, 1000 * 2 ** Math.min(attempt - 1, 16))
}

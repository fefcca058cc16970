/** How many may come at once, and how many a second in the long run. */
export interface PaceLimits {
  burst: number
  perSecond: number
}

/**
 * Answers for each that is about to begin how many milliseconds it has to wait: none, until there have been
 * many within a short time. A token bucket; `now` in milliseconds, which never goes back.
 */
export function createPace(
  { burst, perSecond }: PaceLimits,
  now: () => number = () => performance.now(),
): () => number {
  let left = burst
  let at = now()
  return () => {
    const time = now()
    left = Math.min(burst, left + ((time - at) * perSecond) / 1000) - 1
    at = time
    return left >= 0 ? 0 : (-left * 1000) / perSecond
  }
}

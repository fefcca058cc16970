import type { Health } from '@slipway/contract/health'

/** Resolves when the part is usable, rejects when it is not. */
export type HealthCheck = () => Promise<void>

export interface CheckHealthOptions {
  /** Milliseconds after which a check that has not answered has failed. Default 2,000. */
  deadlineMs?: number
  /** Milliseconds for which an answer is given again without asking. Default 1,000. */
  cacheMs?: number
  /** Checks without which the server still does what it is asked, if only later. Default: none. */
  degrading?: readonly string[]
  onFailure?: (check: string, error: unknown) => void
}

/**
 * Asks all checks at once. However many ask for it, each check runs at most once at a time: one
 * that hangs is not started again before it has ended.
 */
export function createHealthCheck(
  checks: Readonly<Record<string, HealthCheck>>,
  options: CheckHealthOptions = {},
): () => Promise<Health> {
  const deadlineMs = options.deadlineMs ?? 2_000
  const cacheMs = options.cacheMs ?? 1_000
  const running = new Map<string, Promise<void>>()
  let latest: { health: Promise<Health>; until: number } | null = null

  function run(name: string, check: HealthCheck): Promise<void> {
    const already = running.get(name)
    if (already !== undefined) return already
    // The check may throw instead of rejecting.
    const started = Promise.resolve()
      .then(check)
      .finally(() => running.delete(name))
    running.set(name, started)
    return started
  }

  async function passes(name: string, check: HealthCheck): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer in ${deadlineMs} ms`)), deadlineMs)
    })
    try {
      await Promise.race([run(name, check), deadline])
      return true
    } catch (error) {
      options.onFailure?.(name, error)
      return false
    } finally {
      clearTimeout(timer)
    }
  }

  async function checkAll(): Promise<Health> {
    const results = await Promise.all(
      Object.entries(checks).map(
        async ([name, check]) => [name, await passes(name, check)] as const,
      ),
    )
    const failed = results.filter(([, passed]) => !passed).map(([name]) => name)
    const isUsable = failed.every((name) => options.degrading?.includes(name) ?? false)
    return {
      status: failed.length === 0 ? 'healthy' : isUsable ? 'degraded' : 'unhealthy',
      timestamp: new Date().toISOString(),
      checks: Object.fromEntries(
        results.map(([name, passed]) => [name, passed ? 'pass' : 'fail'] as const),
      ),
    }
  }

  return () => {
    const now = Date.now()
    if (latest === null || latest.until <= now)
      latest = { health: checkAll(), until: now + cacheMs }
    return latest.health
  }
}

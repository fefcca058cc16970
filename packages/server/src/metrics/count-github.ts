import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { RequestBudget } from '../ports/github-actions.ts'

/** Told of what is asked of GitHub. Nothing here throws. */
export interface GithubFigures {
  /** The status of an answer of GitHub's API; null: there was none. */
  request(status: number | null): void
  /** `budget` is asked at every scrape for what is left of the credential's requests. */
  watchBudget(budget: () => RequestBudget | null): void
  /** A poll of a repository has ended. */
  poll(outcome: 'changed' | 'unchanged' | 'failed'): void
  /** Milliseconds from when a delivery of the webhook came until it was stored. */
  lag(ms: number): void
  /** What GitHub's MCP server could not do, and its API was asked instead. */
  fallback(operation: string, reason: string): void
}

export function countGithub(registry: Registry): GithubFigures {
  const registers = [registry]
  let budgetOf: () => RequestBudget | null = () => null
  const budget = (name: string, help: string, value: (known: RequestBudget) => number) =>
    new Gauge({
      name: `slipway_github_budget_${name}`,
      help,
      registers,
      // Without labels a gauge begins with 0, which would say that the budget is spent.
      labelNames: ['resource'],
      collect() {
        this.reset()
        const known = budgetOf()
        if (known !== null) this.set({ resource: 'core' }, value(known))
      },
    })
  budget('limit', 'Requests that GitHub allows in an hour.', ({ limit }) => limit)
  budget(
    'remaining',
    'Requests that GitHub allows until the reset; of several installations, that with the least left.',
    ({ remaining }) => remaining,
  )
  budget('reset_timestamp_seconds', 'When all requests are there again.', ({ resetAt }) =>
    Math.round(resetAt.getTime() / 1000),
  )
  const requests = new Counter({
    name: 'slipway_github_requests_total',
    help: "Requests to GitHub's API by the status of the answer; none: there was no answer.",
    labelNames: ['status'],
    registers,
  })
  const hits = new Counter({
    name: 'slipway_github_cache_hits_total',
    help: 'Answers 304 of GitHub: nothing has changed, and nothing of the budget is spent.',
    registers,
  })
  const polls = new Counter({
    name: 'slipway_github_polls_total',
    help: 'Polls of the workflow runs of repositories.',
    labelNames: ['outcome'],
    registers,
  })
  const lags = new Histogram({
    name: 'slipway_github_delivery_lag_seconds',
    help: "From when a delivery of GitHub's webhook came until what it says was stored.",
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30, 300],
    registers,
  })
  const fallbacks = new Counter({
    name: 'slipway_github_mcp_fallbacks_total',
    help: "Operations that GitHub's API was asked for instead of GitHub's MCP server.",
    labelNames: ['operation', 'reason'],
    registers,
  })
  return {
    request(status) {
      requests.inc({ status: status === null ? 'none' : String(status) })
      if (status === 304) hits.inc()
    },
    watchBudget: (watched) => void (budgetOf = watched),
    poll: (outcome) => polls.inc({ outcome }),
    lag: (ms) => lags.observe(ms / 1000),
    fallback: (operation, reason) => fallbacks.inc({ operation, reason }),
  }
}

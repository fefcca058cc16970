import type { RequestBudget } from '../../../ports/github-actions.ts'

/** Told what GitHub says with each answer. Must not throw. */
export interface RequestObserver {
  /** The status of an answer; null: there was none. 304 costs nothing of the budget. */
  request(status: number | null): void
  budget(budget: RequestBudget): void
}

export interface Limits {
  /** Milliseconds until the account may ask again; 0: at once. */
  waitMs(account: string): number
  pause(account: string, ms: number): void
  /** A `fetch` that notes what answers to this account say of its budget. */
  observing(account: string, inner: typeof fetch): typeof fetch
  /** That of the account with the least left. */
  budget(): RequestBudget | null
}

const mostAccounts = 1_000

/** Keeps, by account, when GitHub lets it ask again, and how much it may. */
export function createLimits(observe?: RequestObserver): Limits {
  const pausedUntil = new Map<string, number>()
  const budgets = new Map<string, RequestBudget>()

  const pause = (account: string, ms: number) => keep(pausedUntil, account, Date.now() + ms)
  const note = (account: string, headers: Headers) => {
    // Searches and the like are counted apart.
    if ((headers.get('x-ratelimit-resource') ?? 'core') !== 'core') return
    const [limit, remaining, reset] = ['limit', 'remaining', 'reset'].map((name) =>
      wholeNumber(headers.get(`x-ratelimit-${name}`)),
    )
    if (limit == null || remaining == null || reset == null || limit === 0) return
    const budget = { limit, remaining, resetAt: new Date(reset * 1000) }
    keep(budgets, account, budget)
    observe?.budget(budget)
  }
  return {
    waitMs: (account) => Math.max(0, (pausedUntil.get(account) ?? 0) - Date.now()),
    pause,
    observing: (account, inner) => async (input, init) => {
      try {
        const response = await inner(input, init)
        observe?.request(response.status)
        note(account, response.headers)
        return response
      } catch (error) {
        observe?.request(null)
        throw error
      }
    },
    budget() {
      const now = Date.now()
      const known = [...budgets.values()].filter(({ resetAt }) => resetAt.getTime() > now)
      return known.toSorted((a, b) => a.remaining / a.limit - b.remaining / b.limit)[0] ?? null
    },
  }
}

/** The newest entries stay. */
function keep<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > mostAccounts && oldest !== undefined) map.delete(oldest)
}

function wholeNumber(text: string | null): number | null {
  return text !== null && /^\d{1,12}$/.test(text) ? Number(text) : null
}

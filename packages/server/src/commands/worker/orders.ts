/** What a worker is told to do: end what it has in hand, give it back at once, or die. */
export type Order = 'drain' | 'stop' | 'kill'

const rising: readonly Order[] = ['drain', 'stop', 'kill']

/** Orders as they come; one that asks for less than an earlier one changes nothing. */
export interface Orders {
  /** The strongest so far; null: none. */
  readonly current: Order | null
  give(order: Order): void
  /** One step more than before: what a repeated signal means. */
  giveNext(): void
  /** Called with each stronger order, and at once with the one that holds. */
  follow(listener: (order: Order) => void): () => void
}

export function createOrders(): Orders {
  const listeners = new Set<(order: Order) => void>()
  let current: Order | null = null
  const rank = (order: Order | null) => (order === null ? -1 : rising.indexOf(order))
  const give = (order: Order) => {
    if (rank(order) <= rank(current)) return
    current = order
    for (const listener of listeners) listener(order)
  }
  return {
    get current() {
      return current
    },
    give,
    giveNext: () => give(rising[Math.min(rank(current) + 1, rising.length - 1)] ?? 'kill'),
    follow(listener) {
      listeners.add(listener)
      if (current !== null) listener(current)
      return () => void listeners.delete(listener)
    },
  }
}

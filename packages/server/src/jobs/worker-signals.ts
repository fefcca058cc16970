/** What a worker of another machine is told at once, and would else find out when it next looks. */
export type Signal =
  /** Jobs of these types may be claimed; null: of any. */
  | { type: 'queued'; types: readonly string[] | null }
  /** Stop working on these jobs; null: look up which are still held. */
  | { type: 'stopped'; jobs: readonly string[] | null }
  | { type: 'drain' }

/**
 * Passes on to the workers that follow what this server does and hears of others. Best effort: the ledger
 * says it all as well. Nothing is kept for who does not follow.
 */
export interface WorkerSignals {
  queued(types: readonly string[] | null): void
  stopped(jobs: readonly string[] | null): void
  drain(workerId: string): void
  /** `listener` never throws. Answers how to end it. */
  follow(workerId: string, listener: (signal: Signal) => void): () => void
  /** Workers that follow at this server. */
  readonly followers: readonly string[]
}

export function createWorkerSignals(): WorkerSignals {
  const followers = new Set<{ workerId: string; listener: (signal: Signal) => void }>()
  const tell = (signal: Signal) => {
    for (const { listener } of followers) listener(signal)
  }
  return {
    queued(types) {
      if (followers.size > 0) tell({ type: 'queued', types })
    },
    stopped(jobs) {
      if (followers.size > 0) tell({ type: 'stopped', jobs })
    },
    drain(id) {
      for (const { workerId, listener } of followers)
        if (workerId === id) listener({ type: 'drain' })
    },
    follow(workerId, listener) {
      const follower = { workerId, listener }
      followers.add(follower)
      return () => void followers.delete(follower)
    },
    get followers() {
      return [...followers].map(({ workerId }) => workerId)
    },
  }
}

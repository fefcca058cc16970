/** What this process knows of one log while somebody writes or follows it here. */
export interface LogTopic {
  /** Grows with everything that happens to the log. */
  readonly version: number
  /** The log has a writer in this process, so whatever happens to it is told here. */
  writing: boolean
  /** Sealed or deleted: nothing comes after what is in the file now. */
  readonly ended: boolean
  changed(): void
  end(): void
  /** Resolves when the version is no longer `seen`, `signal` aborts, or after `timeoutMs`. */
  wait(seen: number, signal: AbortSignal, timeoutMs: number | null): Promise<void>
}

/** Topics by key; each lives as long as somebody uses it. */
export interface LogTopics {
  acquire(key: string): LogTopic
  release(key: string, topic: LogTopic): void
  /** Ends every topic whose key starts with `prefix`. */
  endUnder(prefix: string): void
}

export function createLogTopics(): LogTopics {
  const topics = new Map<string, { topic: LogTopic; users: number }>()
  return {
    acquire(key) {
      const known = topics.get(key)
      // Whoever comes after the end begins anew: a sealed log may be opened again.
      if (known !== undefined && !known.topic.ended) {
        known.users++
        return known.topic
      }
      const topic = createTopic()
      topics.set(key, { topic, users: 1 })
      return topic
    },
    release(key, topic) {
      const known = topics.get(key)
      if (known?.topic === topic && --known.users === 0) topics.delete(key)
    },
    endUnder(prefix) {
      for (const [key, { topic }] of topics) if (key.startsWith(prefix)) topic.end()
    },
  }
}

function createTopic(): LogTopic {
  let version = 0
  let ended = false
  const waiting = new Set<() => void>()
  const changed = () => {
    version++
    for (const wake of waiting) wake()
  }
  return {
    writing: false,
    get version() {
      return version
    },
    get ended() {
      return ended
    },
    changed,
    end() {
      ended = true
      changed()
    },
    wait(seen, signal, timeoutMs) {
      if (version !== seen || signal.aborted) return Promise.resolve()
      return new Promise((resolve) => {
        const wake = () => {
          clearTimeout(timer)
          signal.removeEventListener('abort', wake)
          waiting.delete(wake)
          resolve()
        }
        const timer = timeoutMs === null ? undefined : setTimeout(wake, timeoutMs)
        signal.addEventListener('abort', wake, { once: true })
        waiting.add(wake)
      })
    },
  }
}

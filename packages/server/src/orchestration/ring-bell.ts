/** Wakes one who waits, or spares it the next wait. */
export interface Bell {
  ring(): void
  /** Resolves at the next ring, or at once if it rang since the last wait, after `ms`, or when `signal` aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>
}

export function createBell(): Bell {
  let rang = false
  let wake = () => {}
  return {
    ring() {
      rang = true
      wake()
    },
    async wait(ms, signal) {
      await new Promise<void>((resolve) => {
        if (rang || signal.aborted) return resolve()
        const done = () => {
          clearTimeout(timer)
          signal.removeEventListener('abort', done)
          wake = () => {}
          resolve()
        }
        const timer = setTimeout(done, ms)
        signal.addEventListener('abort', done)
        wake = done
      })
      rang = false
    },
  }
}

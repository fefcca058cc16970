/** Milliseconds without being looked at after which a page gives its streams up. */
const patienceMs = 5_000

/**
 * Follows a stream while the page is looked at, and anew when it is again, until `follow` returns. A browser
 * has six connections to a server for all its tabs: those nobody looks at may not hold them.
 */
export async function whileVisible(
  follow: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await untilVisible(signal)
    if (signal.aborted) return
    const hidden = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const watch = () => {
      clearTimeout(timer)
      if (document.hidden) timer = setTimeout(() => hidden.abort(), patienceMs)
    }
    document.addEventListener('visibilitychange', watch)
    try {
      await follow(AbortSignal.any([signal, hidden.signal]))
      return
    } catch (error) {
      if (signal.aborted) return
      if (!hidden.signal.aborted) throw error
    } finally {
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', watch)
    }
  }
}

function untilVisible(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (document.hidden && !signal.aborted) return
      document.removeEventListener('visibilitychange', look)
      signal.removeEventListener('abort', look)
      resolve()
    }
    document.addEventListener('visibilitychange', look)
    signal.addEventListener('abort', look)
    look()
  })
}

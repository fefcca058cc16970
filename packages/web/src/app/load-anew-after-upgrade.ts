const key = 'slipway.loaded-anew'
/** Milliseconds within which a second failure is no upgrade, and is shown. */
const onceMs = 60_000

/**
 * A page of a server that has been upgraded meanwhile asks for parts that are gone: it is loaded anew,
 * once. `vite:preloadError` is the bundler's event for a part that could not be loaded.
 */
export function loadAnewAfterUpgrade(): void {
  addEventListener('vite:preloadError', (event) => {
    try {
      const last = Number(sessionStorage.getItem(key) ?? 0)
      if (Date.now() - last < onceMs) return
      sessionStorage.setItem(key, String(Date.now()))
    } catch {
      return
    }
    event.preventDefault()
    location.reload()
  })
}

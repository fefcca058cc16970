const key = 'slipway.loaded-anew'
/** Milliseconds within which a second failure is no upgrade, and is shown. */
const onceMs = 60_000

/** Loads the whole page anew, unless that has just been tried. */
export function loadAnewOnce(): void {
  try {
    const last = Number(sessionStorage.getItem(key) ?? 0)
    if (Date.now() - last < onceMs) return
    sessionStorage.setItem(key, String(Date.now()))
  } catch {
    return
  }
  location.reload()
}

import { setTimeout as delay } from 'node:timers/promises'

/** Asks `condition` again, ever more slowly (1 to 50 ms), until it is true or `timeoutMs` is over. */
export async function waitUntil(
  condition: () => Promise<boolean>,
  timeoutMs: number,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
    if (await condition()) return true
    if (performance.now() >= deadline) return false
    await delay(pause)
  }
}

import { setTimeout as pause } from 'node:timers/promises'

/** Asks until the answer is yes; longer than a minute is an error that says what was awaited. */
export async function until(what: string, ask: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000
  while (!(await ask())) {
    if (Date.now() > end) throw new Error(`${what} did not come within a minute`)
    await pause(120)
  }
}

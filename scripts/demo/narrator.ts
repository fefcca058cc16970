import { setTimeout as pause } from 'node:timers/promises'
import type { streamOutput } from '@slipway/cli/render/stream-output'
import type { Styles } from '@slipway/cli/render/styles'

type Output = ReturnType<typeof streamOutput>

/** How the demo speaks. */
export interface Narrator {
  readonly out: Output
  readonly styles: Styles
  /** Ctrl-C. */
  readonly signal: AbortSignal
  say(text: string): Promise<void>
  title(text: string): Promise<void>
  /** A name in dim letters, and what it has. */
  fact(name: string, value: string): Promise<void>
}

export function createNarrator(out: Output, styles: Styles, signal: AbortSignal): Narrator {
  const say = (text: string) => out.write(`${text}\n`)
  return {
    out,
    styles,
    signal,
    say,
    title: (text) => say(`\n${styles.bold(text)}`),
    fact: (name, value) => say(`  ${styles.dim(name.padEnd(10))} ${value}`),
  }
}

/** Asks until there is an answer; what takes longer than `forMs` is an error that says what was awaited. */
export async function waitFor<T>(
  what: string,
  ask: () => Promise<T | null>,
  signal: AbortSignal,
  forMs = 60_000,
): Promise<T> {
  for (const until = Date.now() + forMs; Date.now() < until;) {
    const answer = await ask()
    if (answer !== null) return answer
    await pause(100, undefined, { signal })
  }
  throw new Error(`${what} did not come within ${forMs / 1000} s`)
}

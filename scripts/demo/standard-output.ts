import { once } from 'node:events'
import type { Output } from '../../packages/cli/src/io.ts'

/** The terminal, or whatever standard output is. */
export function standardOutput(): Output {
  const { stdout } = process
  return {
    isTerminal: stdout.isTTY === true,
    columns: () => stdout.columns ?? 80,
    rows: () => stdout.rows ?? 24,
    async write(text) {
      if (!stdout.write(text)) await once(stdout, 'drain')
    },
  }
}

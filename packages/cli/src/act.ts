import type { Context } from './context.ts'

/**
 * Makes a commander action of a command's work, which gets its options and its declared arguments,
 * and says the exit code.
 */
export type Act = <Flags>(
  work: (context: Context, flags: Flags, args: readonly (string | undefined)[]) => Promise<number>,
) => (...given: unknown[]) => Promise<void>

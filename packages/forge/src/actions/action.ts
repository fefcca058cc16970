import type Type from 'typebox'
import type { TProperties } from 'typebox'
import type { Report } from '../problems.ts'

/** What a command may have to know of the machine it will run on. */
export interface CommandContext {
  /** Whether there is a `bash` where the step runs. */
  hasBash: boolean
}

export type Argv = [string, ...string[]]

/**
 * A kind of step. `keys` is the schema of the step's own keys (those that not every step has);
 * `check` reports what a schema cannot say and gets the step as it was written, keys of any
 * type; `command` gets keys that passed both and returns the command, never a shell string
 * made of the user's words.
 */
export interface Action {
  name: string
  description: string
  keys: TProperties
  check(step: Record<string, unknown>, pointer: string, report: Report): void
  command(keys: Record<string, unknown>, context: CommandContext): Argv
}

/** Declares an action; within it the keys have the types of their schemas. */
export function defineAction<Keys extends TProperties>(action: {
  name: string
  description: string
  keys: Keys
  check?: Action['check']
  command(keys: Type.Static<Type.TObject<Keys>>, context: CommandContext): Argv
}): Action {
  return {
    ...action,
    check: action.check ?? (() => {}),
    // `stepCommand` has validated the keys against `keys` before it calls this.
    command: action.command as Action['command'],
  }
}

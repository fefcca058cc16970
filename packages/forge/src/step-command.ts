import Type from 'typebox'
import { Value } from 'typebox/value'
import type { Argv, CommandContext } from './actions/action.ts'
import { findAction } from './actions/table.ts'
import type { CommandConfig } from './config.ts'

/**
 * The command of a step or producer, to be run in the project's directory. Throws a TypeError
 * for a step that did not come from `loadForge` of this version: an unknown action, or keys
 * that are not the action's.
 */
export function stepCommand(
  step: Pick<CommandConfig, 'action' | 'with'>,
  context: CommandContext,
): Argv {
  const action = findAction(step.action)
  if (action === undefined) throw new TypeError(`There is no action "${step.action}".`)
  const keys = Type.Object(action.keys, { additionalProperties: false })
  if (!Value.Check(keys, step.with)) {
    throw new TypeError(`The step's keys are not those of the action "${step.action}".`)
  }
  return action.command(step.with, context)
}

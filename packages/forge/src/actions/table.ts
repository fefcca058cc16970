import type { Action } from './action.ts'
import { dockerBuild } from './docker-build.ts'
import { earthly } from './earthly.ts'
import { make } from './make.ts'
import { npm } from './npm.ts'
import { run } from './run.ts'

/** Every action a step may name. Adding one is adding a file and a line here. */
export const actions: readonly Action[] = [run, make, npm, earthly, dockerBuild]

/** The action that a step without `action` has. */
export const defaultAction = 'run'

export function findAction(name: string): Action | undefined {
  return actions.find((action) => action.name === name)
}

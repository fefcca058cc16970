import type { EndedCommand, RunInJobContainerRequest } from '@slipway/contract/runner-hooks'
import { AppError } from '../../errors.ts'
import type { Principal } from '../../ports/identity.ts'
import { findDelegation } from '../delegation-rows.ts'
import { hasEnded } from '../delegation-states.ts'
import type { HookDeps, HookListener, HookWork } from './deps.ts'
import { findRunning } from './find-hooked.ts'
import { keepTouched } from './keep-touched.ts'

/** Runs a command in the container of a job. When it is given up, the command is ended. */
export async function runInJobContainer(
  deps: HookDeps,
  input: { principal: Principal; id: string; request: RunInJobContainerRequest },
): Promise<HookWork<EndedCommand>> {
  const { containerId } = await findRunning(deps, input)
  const { argv, env = {}, workdir = null, prependPath = [] } = input.request
  const command = { argv: asCommand(argv), env, prependPath, workdir, user: null }
  return (listener, signal) =>
    keepTouched(deps, input.id, async () => {
      const ended = await deps.host.exec(containerId, command, listener, signal)
      if (ended.exitCode !== 0) await sayWhy(deps, input, listener)
      return ended
    })
}

function asCommand([program, ...args]: readonly string[]): readonly [string, ...string[]] {
  if (program === undefined) throw new AppError('invalid_request', 'There is no command')
  return [program, ...args]
}

/** A command whose container was ended has an exit code as well: this one means nothing. */
async function sayWhy(
  deps: HookDeps,
  input: { principal: Principal; id: string },
  listener: HookListener,
): Promise<void> {
  const { status, reason } = await findDelegation(deps, input)
  if (!hasEnded(status)) return
  await listener.say(`The job has ended as ${status}${reason === null ? '' : `: ${reason}`}`)
}

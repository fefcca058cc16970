import type { RunStepContainerRequest } from '@slipway/contract/runner-hooks'
import { AppError } from '../../errors.ts'
import type { HookDeps } from './deps.ts'

/** What a container runs: what is asked for, else what its image says, which must be there. */
export async function commandOf(
  { host }: Pick<HookDeps, 'host'>,
  input: { image: string; asked: Pick<RunStepContainerRequest, 'entrypoint' | 'args'> },
  signal: AbortSignal,
): Promise<readonly [string, ...string[]]> {
  const { image, asked } = input
  const { entrypoint, args = [] } = asked
  const own = await host.readImage(image, signal)
  const begin = entrypoint === undefined ? own.entrypoint : [entrypoint]
  // Arguments of the image are for its own entrypoint.
  const rest = args.length > 0 || entrypoint !== undefined ? args : own.command
  const [program, ...words] = [...begin, ...rest]
  if (program !== undefined) return [program, ...words]
  throw new AppError('invalid_request', `The image ${image} has no command of its own`)
}

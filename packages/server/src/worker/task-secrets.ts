import type { CommandConfig } from '@slipway/forge'
import { AppError } from '../errors.ts'
import type { JobClaim } from '../jobs/index.ts'
import type { RunSecrets } from '../runs/index.ts'
import type { WorkerDeps } from './deps.ts'

/** The secrets of all commands of a task. Whatever one of them leaves, another may print: all mask all. */
export interface TaskSecrets extends RunSecrets {
  /** Where the run's secrets are defined, for people. */
  repository: string
}

/** Asks the control plane for the secrets of a task's commands, if they have any. */
export async function readTaskSecrets(
  { control }: Pick<WorkerDeps, 'control'>,
  input: {
    claim: JobClaim
    repository: string
    commands: readonly Pick<CommandConfig, 'secrets'>[]
  },
): Promise<TaskSecrets> {
  const { claim, repository, commands } = input
  const names = [...new Set(commands.flatMap(({ secrets }) => secrets.map(({ name }) => name)))]
  if (names.length === 0) return { repository, values: {}, refusal: null }
  try {
    return { repository, ...(await control.readSecrets({ claim, names })) }
  } catch (error) {
    // Some secret cannot be decrypted: the commands that ask for secrets say so.
    if (!(error instanceof AppError) || error.code !== 'unavailable') throw error
    return { repository, values: {}, refusal: error.message }
  }
}

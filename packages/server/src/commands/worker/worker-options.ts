import { parseArgs } from 'node:util'
import { UsageError } from '../command.ts'

export interface WorkerOptions {
  /** In place of SLIPWAY_WORKER_TYPES; undefined: as that says. */
  types?: string
  /** In place of SLIPWAY_WORKER_CAPACITY. */
  capacity?: string
  /** Somebody else starts it again: there is no process in between. */
  unsupervised: boolean
}

/** What is behind `worker` on the command line; a `UsageError` where it cannot be understood. */
export function readWorkerOptions(args: readonly string[]): WorkerOptions {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        types: { type: 'string' },
        capacity: { type: 'string' },
        unsupervised: { type: 'boolean', default: false },
      },
    })
    return values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/** The environment that says the same. */
export function asSettings({ types, capacity }: WorkerOptions): Record<string, string> {
  return {
    ...(types === undefined ? {} : { SLIPWAY_WORKER_TYPES: types }),
    ...(capacity === undefined ? {} : { SLIPWAY_WORKER_CAPACITY: capacity }),
  }
}

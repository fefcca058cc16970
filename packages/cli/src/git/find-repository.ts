import { CliError } from '../cli-error.ts'
import type { Io } from '../io.ts'
import { readCheckout } from './read-checkout.ts'

/**
 * The repository that is named, else that of the checkout's remote.
 *
 * @throws CliError where neither says it
 */
export async function findRepository(io: Io, named: string | undefined): Promise<string> {
  const repository = named ?? (await readCheckout(io)).repository
  if (repository) return repository
  throw new CliError('Which repository is meant is not known', 'Say it: --repository owner/name')
}

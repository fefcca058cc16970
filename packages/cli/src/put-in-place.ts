import { link, lstat, rename, unlink } from 'node:fs/promises'
import { CliError } from './cli-error.ts'

/** @throws CliError where there is something, also a link that leads nowhere */
export async function refuseExisting(target: string): Promise<void> {
  try {
    await lstat(target)
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return
    throw new CliError(`${target} cannot be written (${code})`)
  }
  throw exists(target)
}

/**
 * Gives a whole file its name, in one step. Without `force` never over another one.
 *
 * @throws CliError when there is one
 */
export async function putInPlace(
  partial: string,
  { target, force }: { target: string; force: boolean },
): Promise<void> {
  if (force) return rename(partial, target)
  try {
    // Unlike a renaming, this fails where there is something by now.
    await link(partial, target)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw exists(target)
    // A file system without links: the moment between the look and the renaming is what is left.
    await refuseExisting(target)
    return rename(partial, target)
  }
  await unlink(partial)
}

function exists(target: string): CliError {
  return new CliError(
    `${target} is there already`,
    'Write over it with --force, or name another: -o FILE',
  )
}

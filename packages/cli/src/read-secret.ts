import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { CliError } from './cli-error.ts'
import type { Io } from './io.ts'

/**
 * A secret, from a file (`-`: standard input), what is piped in, or typed without an echo. Never from an
 * argument, which everybody on the machine can read. The line's end of what is piped in is not part of it;
 * a file is taken as it is.
 */
export async function readSecret(
  io: Io,
  input: { file: string | undefined; question: string },
): Promise<string> {
  const { file, question } = input
  const value =
    file !== undefined && file !== '-'
      ? await readSecretFile(io, file)
      : io.in.isTerminal && file === undefined
        ? await io.in.readHidden(question)
        : (await io.in.readAll()).replace(/\r?\n$/, '')
  if (value === '') {
    throw new CliError('The secret is empty', 'Pipe it in, name a file, or type it when asked.')
  }
  return value
}

/** The content of a file, as it is. */
export async function readSecretFile(io: Io, file: string): Promise<string> {
  try {
    return await readFile(resolve(io.cwd, file), 'utf8')
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException
    throw new CliError(`${file} cannot be read (${code})`)
  }
}

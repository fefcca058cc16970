import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { CliError } from './cli-error.ts'
import type { Io } from './io.ts'

/** A JSON document from a file; `-`: standard input. What is in it is the server's to judge. */
export async function readJsonFile(io: Io, file: string, hint: string): Promise<unknown> {
  const text = file === '-' ? await io.in.readAll() : await readText(io, file, hint)
  try {
    return JSON.parse(text)
  } catch {
    throw new CliError(
      `There is no JSON document in ${file === '-' ? 'what was piped in' : file}`,
      hint,
    )
  }
}

async function readText(io: Io, file: string, hint: string): Promise<string> {
  try {
    return await readFile(resolve(io.cwd, file), 'utf8')
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException
    throw new CliError(`${file} cannot be read (${code})`, hint)
  }
}

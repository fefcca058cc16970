import { readFile, stat } from 'node:fs/promises'
import { CliError } from './cli-error.ts'
import { formatBytes } from './render/format-bytes.ts'

/** A file that is sent to the server, of at most so many bytes. */
export async function readUpload(file: string, maxBytes: number): Promise<Blob> {
  try {
    const { size } = await stat(file)
    if (size > maxBytes) {
      const most = formatBytes(maxBytes)
      throw new CliError(`${file} has ${formatBytes(size)}, and the server takes ${most} at most`)
    }
    return new Blob([new Uint8Array(await readFile(file))])
  } catch (error) {
    if (error instanceof CliError) throw error
    const { code = 'unknown error' } = error as NodeJS.ErrnoException
    throw new CliError(`${file} cannot be read (${code})`)
  }
}

import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Files below a directory that hold any of these texts; those under `except` are not looked at. */
export async function filesWith(
  directory: string,
  needles: readonly string[],
  except: readonly string[] = [],
): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(directory.length + 1))
    .filter((file) => !except.some((prefix) => file.startsWith(prefix)))
  const found: string[] = []
  for (const file of files) if (await holds(join(directory, file), needles)) found.push(file)
  return found
}

async function holds(file: string, needles: readonly string[]): Promise<boolean> {
  const most = Math.max(...needles.map((needle) => Buffer.byteLength(needle)))
  let before = Buffer.alloc(0)
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 4 * 1024 * 1024 })) {
      const text = Buffer.concat([before, chunk as Buffer])
      if (needles.some((needle) => text.includes(needle))) return true
      before = text.subarray(-most)
    }
  } catch (error) {
    // It went while it was looked for.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return false
}

import { open } from 'node:fs/promises'

/** Writes a new file that only its owner can read, through to the disk. */
export async function keepText(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(`${text}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
}

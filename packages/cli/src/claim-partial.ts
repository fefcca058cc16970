import { readdir, rename } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/**
 * Takes over what is there of a file that broke off, under a name that is this process's alone: two
 * commands at once do not write into one file. That is `partial`, where an earlier command has put it back,
 * or what one that was killed has left. Answers the name, under which there may be nothing yet.
 */
export async function claimPartial(partial: string): Promise<string> {
  const own = `${partial}.${process.pid}`
  for (const left of [partial, ...(await leftByDead(partial))]) {
    try {
      await rename(left, own)
      return own
    } catch (error) {
      // It was not there, or somebody else was quicker.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  return own
}

async function leftByDead(partial: string): Promise<string[]> {
  const directory = dirname(partial)
  const begin = `${basename(partial)}.`
  // Where nothing can be read, the first write says so.
  const names = await readdir(directory).catch(() => [])
  return names
    .filter((name) => name.startsWith(begin))
    .filter((name) => /^[1-9]\d{0,9}$/.test(name.slice(begin.length)))
    .filter((name) => !isAlive(Number(name.slice(begin.length))))
    .map((name) => join(directory, name))
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

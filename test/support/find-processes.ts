import { readdirSync, readFileSync } from 'node:fs'

/** Ids of the processes of this machine, but for this one, with `text` in their command line. */
export function processesWith(text: string): string[] {
  return commandLines((line) => line.includes(text))
}

/** Ids of the processes that run exactly this. */
export function processesOf(...argv: readonly string[]): string[] {
  const wanted = argv.map((word) => `${word}\0`).join('')
  return commandLines((line) => line === wanted)
}

function commandLines(isWanted: (line: string) => boolean): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || pid === String(process.pid)) return false
    try {
      return isWanted(readFileSync(`/proc/${pid}/cmdline`, 'latin1'))
    } catch {
      // It has ended.
      return false
    }
  })
}

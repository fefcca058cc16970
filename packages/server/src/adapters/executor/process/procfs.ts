import { readFile, readdir } from 'node:fs/promises'

/** One process as the kernel tells it; `startTime` (clock ticks since boot) makes a pid unique. */
export interface ProcessStat {
  pid: number
  state: string
  parent: number
  session: number
  startTime: number
}

/** Reads one line of `/proc/<pid>/stat`. The name in parentheses may itself hold spaces and parentheses. */
export function parseStat(line: string): ProcessStat | null {
  const open = line.indexOf('(')
  const close = line.lastIndexOf(')')
  if (open < 0 || close < open) return null
  const rest = line
    .slice(close + 1)
    .trim()
    .split(' ')
  const stat = {
    pid: Number(line.slice(0, open)),
    state: rest[0] ?? '',
    parent: Number(rest[1]),
    session: Number(rest[3]),
    startTime: Number(rest[19]),
  }
  const numbers = [stat.pid, stat.parent, stat.session, stat.startTime]
  return stat.state !== '' && numbers.every(Number.isSafeInteger) ? stat : null
}

/** Null when there is no such process any more. */
export async function readStat(pid: number): Promise<ProcessStat | null> {
  try {
    return parseStat(await readFile(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return null
  }
}

/** Every process of this pid namespace that is not yet dead (a zombie is). */
export async function listProcesses(): Promise<ProcessStat[]> {
  const stats = await Promise.all((await listPids()).map(readStat))
  return stats.filter((stat): stat is ProcessStat => stat !== null && !isDead(stat))
}

export function isDead(stat: ProcessStat): boolean {
  return stat.state === 'Z' || stat.state === 'X'
}

/** The processes below `root`, without `root`, however deep; nobody leaves a pid namespace's tree. */
export function descendantsOf(root: number, processes: readonly ProcessStat[]): ProcessStat[] {
  const children = new Map<number, ProcessStat[]>()
  for (const process of processes) {
    const siblings = children.get(process.parent)
    if (siblings) siblings.push(process)
    else children.set(process.parent, [process])
  }
  const found: ProcessStat[] = []
  const seen = new Set([root])
  const queue = [root]
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    for (const child of children.get(pid) ?? []) {
      if (seen.has(child.pid)) continue
      seen.add(child.pid)
      found.push(child)
      queue.push(child.pid)
    }
  }
  return found
}

/** Pids whose initial environment holds an entry that begins with `prefix`; unreadable ones are not ours. */
export async function listMarked(prefix: string): Promise<number[]> {
  const needle = Buffer.from(prefix)
  const found = await Promise.all(
    (await listPids()).map(async (pid) => {
      try {
        const environ = await readFile(`/proc/${pid}/environ`)
        const at = environ.indexOf(needle)
        return at === 0 || (at > 0 && environ.includes(Buffer.concat([zero, needle]))) ? pid : null
      } catch {
        return null
      }
    }),
  )
  return found.filter((pid) => pid !== null)
}

const zero = Buffer.from([0])

async function listPids(): Promise<number[]> {
  return (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
}

/** Sends a signal; a process that is gone, or not ours, is no error. */
export function signal(pid: number, name: NodeJS.Signals): void {
  // A pid of 0 or below would reach whole groups, and 1 is nobody's step.
  if (!Number.isSafeInteger(pid) || pid <= 1) return
  try {
    process.kill(pid, name)
  } catch {
    // ESRCH: it has ended. EPERM: the pid was reused by another user's process.
  }
}

import type { Cgroup } from './cgroups.ts'
import type { Marker } from './isolation.ts'
import { descendantsOf, isDead, listMarked, listProcesses, readStat, signal } from './procfs.ts'
import { waitUntil } from './wait-until.ts'

/** Where the processes of one execution are found. */
export interface ProcessTree {
  /** The process that the server spawned: leader of a session, and parent of `init`. */
  leader: number
  /** Start time of the leader, once known; tells a reused pid. */
  leaderStart: number | null
  /** First process of the pid namespace; null without one, or before it is known. */
  init: number | null
  contained: boolean
  group: Cgroup | null
  marker: Marker
  /** Processes found so far, with their start times: a child is known even when its parent has gone. */
  seen: Map<number, number>
}

/** How long a tree may take to be gone after SIGKILL before somebody is told. */
export const killTimeoutMs = 10_000

/** The command's processes, without those of the launcher. */
export async function listTree(tree: ProcessTree): Promise<number[]> {
  if (tree.contained) {
    const below = descendantsOf(tree.leader, await listProcesses())
    return below.flatMap(({ pid }) => (pid === tree.init ? [] : [pid]))
  }
  return tree.group ? tree.group.members() : listLoose(tree)
}

/**
 * Without a namespace or a group: by session, by the marker that children inherit, and by descent.
 * One that left all three behind before anybody looked is not found.
 */
async function listLoose(tree: ProcessTree): Promise<number[]> {
  const [processes, marked] = await Promise.all([
    listProcesses(),
    listMarked(`${tree.marker.name}=${tree.marker.value}\0`),
  ])
  const byPid = new Map(processes.map((process) => [process.pid, process]))
  const leader = byPid.get(tree.leader)
  const reused = leader && tree.leaderStart !== null && leader.startTime !== tree.leaderStart
  const roots = processes.filter(
    ({ pid, session, startTime }) =>
      marked.includes(pid) ||
      (session === tree.leader && !reused) ||
      tree.seen.get(pid) === startTime,
  )
  const found = new Map(roots.map((process) => [process.pid, process]))
  for (const { pid } of roots) {
    for (const process of descendantsOf(pid, processes)) found.set(process.pid, process)
  }
  for (const { pid, startTime } of found.values()) tree.seen.set(pid, startTime)
  return [...found.keys()]
}

/** What may be left once the leader has gone: it was killed, or there is no namespace to die with it. */
export async function listRest(tree: ProcessTree): Promise<number[]> {
  const [members, init, loose] = await Promise.all([
    tree.group?.members() ?? [],
    tree.init === null ? null : readStat(tree.init),
    tree.group && (tree.init !== null || !tree.contained) ? [] : listLoose(tree),
  ])
  // The namespace's first process is no zombie before all others in it are dead.
  return [...new Set([...members, ...loose, ...(init && !isDead(init) ? [init.pid] : [])])]
}

/**
 * Kills what `list` finds until it twice finds nothing; false after the time for that. They are stopped
 * first, so that they cannot fork faster than they are killed. Twice, since one that begins another
 * program while it is looked at shows no environment, and may have left its session just before.
 */
export async function killAll(
  list: () => Promise<readonly number[]>,
  timeoutMs = killTimeoutMs,
): Promise<boolean> {
  let quiet = 0
  return waitUntil(async () => {
    const first = await list()
    if (first.length === 0) return ++quiet === 2
    quiet = 0
    for (const pid of first) signal(pid, 'SIGSTOP')
    const second = await list()
    for (const pid of new Set([...first, ...second])) signal(pid, 'SIGKILL')
    return false
  }, timeoutMs)
}

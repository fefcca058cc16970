import type { Logger } from 'pino'
import { AppError } from '../../../errors.ts'
import { endLeftGroups } from './cgroups.ts'
import { killAll } from './process-tree.ts'
import { isDead, listMarked, listProcesses } from './procfs.ts'
import type { Records } from './records.ts'

export interface LeftoverDeps {
  records: Records
  log: Logger
  boot: string
}

/**
 * Ends what a dead server of the same directory left running, and returns once it is gone, so that
 * no step runs twice at once. Three ways lead to it: the control groups that it made, the marker in
 * the environment of every launcher, and the recorded first processes, told from others that
 * reuse a pid by their start time.
 *
 * @param markerPrefix begins the marker of each execution of this directory, whichever server's
 */
export async function endLeftovers(deps: LeftoverDeps, markerPrefix: string): Promise<void> {
  const { records, log, boot } = deps
  const executions = records.left.executions.filter((record) => record.boot === boot)
  const found = new Set<number>()
  const list = async (): Promise<number[]> => {
    const [processes, marked] = await Promise.all([listProcesses(), listMarked(markerPrefix)])
    const alive = new Map(processes.map((process) => [process.pid, process]))
    const pids = new Set(marked.filter((pid) => alive.has(pid)))
    for (const record of executions) {
      const first = alive.get(record.pid)
      const same = first?.startTime === record.startTime && !isDead(first)
      if (same) pids.add(record.pid)
      if (record.session && (same || first === undefined)) {
        for (const { pid, session, startTime } of processes) {
          if (session === record.pid && startTime >= record.startTime) pids.add(pid)
        }
      }
    }
    pids.delete(process.pid)
    for (const pid of pids) found.add(pid)
    return [...pids]
  }
  const [gone, ...groups] = await Promise.all([
    killAll(list),
    ...records.left.groups.map((base) => endLeftGroups(base)),
  ])
  if (!gone) {
    throw new AppError(
      'unavailable',
      `Processes that an earlier server left running do not end: ${(await list()).join(', ')}`,
    )
  }
  await records.clearLeft()
  const count = groups.reduce((sum, each) => sum + each, 0)
  if (found.size > 0 || count > 0) {
    log.warn({ processes: found.size, groups: count }, 'ended what an earlier server left running')
  }
}

import { mkdir, readFile, readdir, rmdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { ExecutionLimits } from '../../../ports/executor.ts'
import { limitWrites, parseOomKills } from './cgroup-limits.ts'
import { type Controller, controllers, locateCgroups } from './locate-cgroups.ts'
import { descendantsOf, listProcesses, signal } from './procfs.ts'
import { waitUntil } from './wait-until.ts'

/** Control groups below the server's own, one for each execution. */
export interface CgroupHost {
  readonly version: 1 | 2
  readonly controllers: ReadonlySet<Controller>
  /** The directories that hold the groups of executions; a successor empties and removes them. */
  readonly bases: readonly string[]
  /** Makes a group with these limits and nobody in it. */
  create(name: string, limits: GroupLimits): Promise<Cgroup>
  /** Removes the bases; every group must have been removed before. */
  close(): Promise<void>
}

export type GroupLimits = Pick<ExecutionLimits, 'memoryBytes' | 'pids' | 'cpus'>

export interface Cgroup {
  /** A single-threaded process that writes 0 into each of these is in the group. */
  readonly joinFiles: readonly string[]
  members(): Promise<number[]>
  oomKills(): Promise<number>
  /** Resolves once the group is gone; it must be empty, or be emptying. */
  remove(): Promise<void>
}

/** How long a dead process may stay accounted to its group, or a tree take to die. */
const removalTimeoutMs = 10_000

/** Null, with the reason told to `explain`, where no group can be made. */
export async function openCgroups(
  name: string,
  explain: (reason: string) => void,
): Promise<CgroupHost | null> {
  try {
    const [mountinfo, membership] = await Promise.all([
      readFile('/proc/self/mountinfo', 'utf8'),
      readFile('/proc/self/cgroup', 'utf8'),
    ])
    const located = locateCgroups(mountinfo, membership)
    if (!located) {
      explain('no cgroup file system is mounted')
      return null
    }
    const bases =
      located.version === 1
        ? await makeLegacyBases(located.own, name)
        : await makeUnifiedBase(located.own.get('pids') ?? '/', name)
    return createHost(located.version, bases)
  } catch (error) {
    explain(error instanceof Error ? error.message : String(error))
    return null
  }
}

async function makeLegacyBases(
  own: ReadonlyMap<Controller, string>,
  name: string,
): Promise<Map<Controller, string>> {
  const bases = new Map<Controller, string>()
  let refusal: unknown
  for (const [controller, directory] of own) {
    const base = `${directory}/${name}`
    try {
      await makeDirectory(base)
      bases.set(controller, base)
    } catch (error) {
      refusal = error
    }
  }
  if (bases.size === 0) throw refusal
  return bases
}

/**
 * Version 2 allows either processes or limited groups in a group. So the server, when it is alone in
 * its own, moves into a leaf; else the group above is used if it already limits its children.
 */
async function makeUnifiedBase(own: string, name: string): Promise<Map<Controller, string>> {
  const enable = async (directory: string): Promise<void> => {
    const there = (await readFile(`${directory}/cgroup.controllers`, 'utf8')).trim().split(' ')
    const wanted = controllers.filter((controller) => there.includes(controller))
    if (wanted.length === 0) throw new Error(`${directory} has none of ${controllers.join(', ')}`)
    await writeFile(`${directory}/cgroup.subtree_control`, wanted.map((c) => `+${c}`).join(' '))
  }
  const parentOf = async (): Promise<string> => {
    try {
      await enable(own)
      return own
    } catch (error) {
      if (!isErrno(error, 'EBUSY')) throw error
    }
    if (await isAloneIn(own)) {
      await moveToLeaf(own)
      await enable(own)
      return own
    }
    const above = dirname(own)
    const enabled = (await readFile(`${above}/cgroup.subtree_control`, 'utf8')).trim().split(' ')
    if (!controllers.some((controller) => enabled.includes(controller))) {
      throw new Error(`${own} has other processes in it, so that it cannot be divided`)
    }
    return above
  }
  const base = `${await parentOf()}/${name}`
  await makeDirectory(base)
  await enable(base)
  const enabled = (await readFile(`${base}/cgroup.subtree_control`, 'utf8')).trim().split(' ')
  return new Map(controllers.filter((c) => enabled.includes(c)).map((c) => [c, base]))
}

async function isAloneIn(group: string): Promise<boolean> {
  const ours = new Set([
    process.pid,
    ...descendantsOf(process.pid, await listProcesses()).map(({ pid }) => pid),
  ])
  return (await readMembers(group)).every((pid) => ours.has(pid))
}

async function moveToLeaf(group: string): Promise<void> {
  const leaf = `${group}/server`
  await makeDirectory(leaf)
  for (const pid of await readMembers(group)) {
    await writeFile(`${leaf}/cgroup.procs`, String(pid)).catch((error: unknown) => {
      if (!isErrno(error, 'ESRCH')) throw error
    })
  }
}

function createHost(version: 1 | 2, byController: ReadonlyMap<Controller, string>): CgroupHost {
  const bases = [...new Set(byController.values())]
  return {
    version,
    controllers: new Set(byController.keys()),
    bases,
    async create(name, limits) {
      const writes = [...byController].map(([controller, base]) => ({
        base,
        controller,
        list: limitWrites(version, controller, limits),
      }))
      // Joining a group costs a lock of the kernel's; one is needed to find the execution again.
      const needed = writes.filter(({ list }) => list.length > 0)
      const used = needed.length > 0 ? needed : writes.slice(0, 1)
      const directories = [...new Set(used.map(({ base }) => `${base}/${name}`))]
      try {
        await Promise.all(directories.map((directory) => mkdir(directory)))
        await Promise.all(
          used.map(async ({ base, list }) => {
            for (const { file, value, optional } of list) {
              await writeFile(`${base}/${name}/${file}`, value).catch((error: unknown) => {
                if (!optional) throw error
              })
            }
          }),
        )
      } catch (error) {
        await Promise.allSettled(directories.map((directory) => rmdir(directory)))
        throw error
      }
      const memory = used.find(({ controller }) => controller === 'memory')
      return createGroup(directories, version, memory ? `${memory.base}/${name}` : null)
    },
    async close() {
      await Promise.all(bases.map((base) => rmdir(base).catch(() => {})))
    },
  }
}

function createGroup(
  directories: readonly string[],
  version: 1 | 2,
  memory: string | null,
): Cgroup {
  const first = directories[0] ?? ''
  return {
    // `tasks` moves one thread without the lock that `cgroup.procs` takes of every process there is.
    joinFiles: directories.map((directory) =>
      version === 1 ? `${directory}/tasks` : `${directory}/cgroup.procs`,
    ),
    members: () => readMembers(first),
    async oomKills() {
      if (memory === null) return 0
      const file = version === 1 ? 'memory.oom_control' : 'memory.events'
      return parseOomKills(await readFile(`${memory}/${file}`, 'utf8'))
    },
    async remove() {
      await Promise.all(directories.map((directory) => endGroup(directory)))
    },
  }
}

/**
 * Kills whatever is left in a group and removes it. A removed group is the proof that nothing of it
 * runs any more: the kernel refuses while one task is alive in it.
 */
async function endGroup(directory: string): Promise<void> {
  const gone = await waitUntil(async () => {
    try {
      await rmdir(directory)
      return true
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return true
      if (!isErrno(error, 'EBUSY')) throw error
    }
    for (const pid of await readMembers(directory)) signal(pid, 'SIGKILL')
    return false
  }, removalTimeoutMs)
  if (!gone) throw new Error(`the control group ${directory} does not empty`)
}

/** Ends everything in a dead server's groups and removes them. Nothing there is no error. */
export async function endLeftGroups(base: string): Promise<number> {
  const entries = await readdir(base, { withFileTypes: true }).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return []
    throw error
  })
  const groups = entries.filter((entry) => entry.isDirectory())
  await Promise.all(groups.map((group) => endGroup(`${base}/${group.name}`)))
  await rmdir(base).catch((error: unknown) => {
    if (!isErrno(error, 'ENOENT')) throw error
  })
  return groups.length
}

async function readMembers(directory: string): Promise<number[]> {
  try {
    const text = await readFile(`${directory}/cgroup.procs`, 'utf8')
    return text.split('\n').filter(Boolean).map(Number)
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENODEV')) return []
    throw error
  }
}

async function makeDirectory(path: string): Promise<void> {
  await mkdir(path).catch((error: unknown) => {
    if (!isErrno(error, 'EEXIST')) throw error
  })
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

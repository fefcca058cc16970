import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { parseStat } from './procfs.ts'

/**
 * What a server leaves behind for the next one on the same directory: the groups it makes its
 * executions in, and, where there are no groups, each execution's first process.
 */
export interface Records {
  /** Read once at the start, before anything is written. */
  readonly left: { groups: readonly string[]; executions: readonly ExecutionRecord[] }
  setGroups(bases: readonly string[]): Promise<void>
  add(id: string, record: ExecutionRecord): Promise<void>
  remove(id: string): Promise<void>
  /** Forgets what was left, once all of it has ended. */
  clearLeft(): Promise<void>
}

export interface ExecutionRecord {
  pid: number
  /** Clock ticks since boot, from `/proc/<pid>/stat`: another process with this pid has another. */
  startTime: number
  /** Another boot knows none of our processes. */
  boot: string
  /** It leads a session, whose members end with it. */
  session: boolean
}

export async function openRecords(directory: string): Promise<Records> {
  const executions = `${directory}/executions`
  const groupsFile = `${directory}/groups.json`
  await mkdir(executions, { recursive: true, mode: 0o700 })
  const names = (await readdir(executions)).filter((name) => name.endsWith('.json'))
  const parsed = await Promise.all(names.map((name) => readJson(`${executions}/${name}`)))
  const groups = await readJson(groupsFile)
  return {
    left: {
      groups: Array.isArray(groups) ? groups.filter((base) => typeof base === 'string') : [],
      executions: parsed.filter(isRecord),
    },
    async setGroups(bases) {
      await writeFile(`${groupsFile}.new`, JSON.stringify(bases), { mode: 0o600 })
      await rename(`${groupsFile}.new`, groupsFile)
    },
    async add(id, record) {
      // Torn by a crash it is unreadable, and then its process was never let through the gate.
      await writeFile(`${executions}/${id}.json`, JSON.stringify(record), { mode: 0o600 })
    },
    async remove(id) {
      await rm(`${executions}/${id}.json`, { force: true })
    },
    async clearLeft() {
      await Promise.all(names.map((name) => rm(`${executions}/${name}`, { force: true })))
    },
  }
}

/** The identity of the running kernel's boot. */
export async function readBoot(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
}

/** What to record of a live process; null when it has ended. */
export async function recordOf(
  pid: number,
  boot: string,
  session: boolean,
): Promise<ExecutionRecord | null> {
  const stat = parseStat(await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => ''))
  return stat ? { pid, startTime: stat.startTime, boot, session } : null
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch {
    return null
  }
}

function isRecord(value: unknown): value is ExecutionRecord {
  return (
    typeof value === 'object' &&
    value !== null &&
    'pid' in value &&
    Number.isSafeInteger(value.pid) &&
    'startTime' in value &&
    Number.isSafeInteger(value.startTime) &&
    'boot' in value &&
    typeof value.boot === 'string' &&
    'session' in value &&
    typeof value.session === 'boolean'
  )
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface Owner {
  readonly pid: number
  /** The first thing it says: where its PostgreSQL is, or why there is none. */
  readonly said: Promise<{ url: string; adminUrl: string } | { error: string; name: string }>
  /** Lets it stop by itself. */
  stop(): Promise<void>
  /** Ends it as `kill -9` does. */
  kill(): Promise<void>
}

/** Starts a process of its own that owns the data directory and its PostgreSQL. */
export function startOwner(dataDir: string): Owner {
  const script = fileURLToPath(new URL('database-owner.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', script, dataDir], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const end = async (how: () => void) => {
    if (child.exitCode === null && child.signalCode === null) {
      how()
      await exited
    }
  }
  return {
    pid: child.pid ?? 0,
    said: firstLine(child),
    stop: () => end(() => child.stdin?.end()),
    kill: () => end(() => child.kill('SIGKILL')),
  }
}

async function firstLine(child: ChildProcess) {
  if (child.stdout === null) throw new Error('no output')
  for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line)
  return { error: 'it ended without a word', name: '' }
}

/** The url it came up with; throws what it said otherwise. */
export async function urlOf(owner: Owner): Promise<string> {
  const said = await owner.said
  if ('error' in said) throw new Error(said.error)
  return said.url
}

/** Processes that work in this cluster's directory: the postmaster and its children. */
export async function postgresProcesses(dataDir: string): Promise<number[]> {
  const found: number[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const cwd = await readlink(`/proc/${name}/cwd`).catch(() => '')
    if (cwd.startsWith(`${dataDir}/`)) found.push(Number(name))
  }
  return found
}

/** The pid that the cluster's own pid file names. */
export async function postmasterPid(dataDir: string): Promise<number> {
  return Number.parseInt(await readFile(join(dataDir, 'postgres/data/postmaster.pid'), 'utf8'), 10)
}

/** A directory that is removed again with all that is in it. */
export async function makeScratch(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'slipway-store-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

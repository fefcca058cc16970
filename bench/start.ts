import { readdir, readFile } from 'node:fs/promises'
import { startTestServer } from '../test/support/server.ts'
import { percentiles, round } from './statistics.ts'

/** From the start of the process to a healthy answer, and what the idle process tree holds in memory. */
export async function benchStart(): Promise<object> {
  const fresh: number[] = []
  const restart: number[] = []
  let memory: object = {}
  for (let n = 0; n < 3; n++) {
    const begun = performance.now()
    const server = await startTestServer()
    await server.json('GET', '/health')
    fresh.push(performance.now() - begun)
    for (let again = 0; again < 3; again++) {
      await server.stop()
      const stopped = performance.now()
      await server.restart()
      await server.json('GET', '/health')
      restart.push(performance.now() - stopped)
    }
    memory = await proportionalMemory(server.pid())
    await server.close()
  }
  const [first, later] = [percentiles(fresh), percentiles(restart)]
  return {
    freshMs: { ...first, goal: 2500, reached: first.p50 <= 2500 },
    restartMs: { ...later, goal: 1000, reached: later.p50 <= 1000 },
    idleMemory: memory,
  }
}

/** Proportional set size (PSS) of a process and its descendants, in MiB. */
async function proportionalMemory(root: number): Promise<object> {
  const parents = new Map<number, number>()
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const stat = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '')
    const parent = /\) \S (\d+)/.exec(stat)?.[1]
    if (parent !== undefined) parents.set(Number(entry), Number(parent))
  }
  const belongs = (pid: number): boolean =>
    pid === root || (pid > 1 && belongs(parents.get(pid) ?? 0))
  let server = 0
  let others = 0
  for (const pid of parents.keys()) {
    if (!belongs(pid)) continue
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
    const kibibytes = Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0)
    if (pid === root) server += kibibytes
    else others += kibibytes
  }
  const total = round((server + others) / 1024, 1)
  return {
    serverMiB: round(server / 1024, 1),
    postgresMiB: round(others / 1024, 1),
    totalMiB: total,
    goalMiB: 200,
    reached: total <= 200,
  }
}

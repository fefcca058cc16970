import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import { exitCodes } from './exit-codes.ts'
import type { Order, Orders } from './orders.ts'

/** Milliseconds that a child must live so that its death is no sequel of the one before. */
const soundMs = 60_000
const longestPauseMs = 30_000

/**
 * Keeps a worker running in a process of its own: one that dies is started again, at once the first time,
 * later after a pause, and registers with the same data directory, which frees the jobs of the dead one. Answers
 * the exit code when it has ended as it was told, or can never run.
 */
export async function superviseWorker(
  deps: { log: Logger; orders: Orders },
  input: {
    /** Program and arguments that run the worker itself. */
    argv: readonly [string, ...string[]]
    env: Readonly<Record<string, string | undefined>>
  },
): Promise<number> {
  const { log, orders } = deps
  for (let deaths = 0; ;) {
    const startedAt = performance.now()
    const { code, signal } = await runChild(orders, input)
    if (code === exitCodes.ended) return exitCodes.ended
    if (code === exitCodes.forGood) return exitCodes.forGood
    if (orders.current !== null) return exitCodes.failed
    deaths = performance.now() - startedAt > soundMs ? 1 : deaths + 1
    const pauseMs = deaths === 1 ? 0 : Math.min(longestPauseMs, 1_000 * 2 ** (deaths - 2))
    log.warn({ code, signal, pause_ms: pauseMs }, 'the worker died; it is started again')
    await untilDueOrOrdered(orders, pauseMs)
    if (orders.current !== null) return exitCodes.ended
  }
}

async function runChild(
  orders: Orders,
  { argv, env }: Parameters<typeof superviseWorker>[1],
): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  const [program, ...args] = argv
  // In a session of its own: what a terminal sends to all comes here alone, and is handed on as an order.
  const child = spawn(program, args, {
    env,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    detached: true,
  })
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const unfollow = orders.follow((order) => hand(child, order))
  try {
    const [code, signal] = await ended
    return { code, signal }
  } finally {
    unfollow()
  }
}

function hand(child: ChildProcess, order: Order): void {
  if (order === 'kill') child.kill('SIGKILL')
  // One that has just ended takes none, and needs none.
  else if (child.connected) child.send(order, () => undefined)
}

async function untilDueOrOrdered(orders: Orders, ms: number): Promise<void> {
  const ordered = new AbortController()
  const unfollow = orders.follow(() => ordered.abort())
  await pause(ms, undefined, { signal: ordered.signal }).catch(() => undefined)
  unfollow()
}

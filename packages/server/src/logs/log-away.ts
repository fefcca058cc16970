import { setTimeout as pause } from 'node:timers/promises'
import { AppError } from '../errors.ts'
import type { ServerAway } from '../servers/index.ts'

/** Milliseconds for which the beginning of a log waits: less than a worker may hold its jobs unheard. */
const patienceMs = 60_000
const retryMs = 250

/** A database that starts anew fails no step: its log is waited for, as the reports of the step are. */
export async function patiently<T>(act: () => Promise<T>): Promise<T> {
  const until = performance.now() + patienceMs
  for (;;) {
    try {
      return await act()
    } catch (error) {
      if (error instanceof AppError || performance.now() > until) throw error
      await pause(retryMs)
    }
  }
}

/** Where the log is that cannot be read, in words. */
export function unavailable({ server }: ServerAway): AppError {
  return new AppError(
    'unavailable',
    server === null
      ? 'This log is on a server that has gone and is no longer known'
      : `This log is on the server ${server.name}, which was last heard of at ${server.lastSeenAt.toISOString()} and cannot be asked`,
    { server: server?.name ?? null },
  )
}

/** What stands in a log in the place of lines that could not be had. */
export function missingLine({ server }: ServerAway): string {
  return `--- what was written before this is on ${server === null ? 'a server that has gone' : `the server ${server.name}, which cannot be asked`} ---`
}

import type { Readable } from 'node:stream'
import type { ContainerHost } from '../../ports/container-host.ts'
import type { ImageBuild, ImageEngine } from '../../ports/image-engine.ts'
import type { RunnersDeps } from '../deps.ts'

/** What the steps of proxies' jobs are run with. */
export interface HookDeps extends RunnersDeps {
  /** The engine on which jobs have their containers. */
  host: ContainerHost
  /** The same one, for actions that bring a Dockerfile. */
  images: ImageEngine
  buildNetwork: ImageBuild['network']
  /** One after the other: work that would be in its own way if it were done twice at once for a job. */
  inTurn: <T>(id: string, work: () => Promise<T>) => Promise<T>
  /** A tar stream of a directory, for a build. */
  packDirectory: (
    input: { directory: string; dockerfile: string; network: HookDeps['buildNetwork'] },
    signal: AbortSignal,
  ) => Promise<Readable>
}

/** Turns for any number of jobs; nothing is kept of those for whom nobody waits. */
export function createTurns(): HookDeps['inTurn'] {
  const last = new Map<string, Promise<unknown>>()
  return async (id, work) => {
    const before = last.get(id) ?? Promise.resolve()
    const own = before.then(work, work)
    const settled = own.catch(() => {})
    last.set(id, settled)
    try {
      return await own
    } finally {
      if (last.get(id) === settled) last.delete(id)
    }
  }
}

/** Whom work tells of itself while it goes on. A promise holds the work back. */
export interface HookListener {
  /** A line for people. */
  say(text: string): void | Promise<void>
  /** What a command wrote; lines split anywhere. */
  write(chunk: Buffer): void | Promise<void>
}

/** Work that was found to be allowed, and has not begun. */
export type HookWork<Result> = (listener: HookListener, signal: AbortSignal) => Promise<Result>

import type { Kysely } from 'kysely'
import type { Log } from '../../../db/log.ts'
import type { Tables } from '../../../db/tables.gen.ts'
import type { LedgerDeps, WorkerSignals } from '../../../jobs/index.ts'
import type { JobNotice } from '../../../ports/job-bus.ts'
import { createUndertaker } from './bury-jobs.ts'
import { createPublisher } from './create-publisher.ts'
import { ensureStreams } from './ensure-streams.ts'
import { createMissingFinder } from './find-missing.ts'
import type { NatsLayout } from './layout.ts'
import type { NatsLink } from './open-link.ts'

export interface ServerHalfDeps {
  ledger: LedgerDeps
  /** Copies that NATS keeps of each stream; as many servers as there are in its cluster at most. */
  replicas: number
  /** Passes on what this server is told to workers that follow it because they have no NATS. */
  workers?: Pick<WorkerSignals, 'queued' | 'stopped'>
  /** Milliseconds since a job was due, in which its message may be on its way. Default 2,000. */
  graceMs?: number
}

/** What only servers do: they make the streams, publish jobs, and bury those that nobody could do. */
export interface ServerHalf {
  wake(jobs: readonly JobNotice[]): void
  cancel(jobIds: readonly string[]): void
  keep(): Promise<number | void>
  onKeep(listener: () => void): void
  /** Whether the streams have been there. */
  isReady(): boolean
  /** Called when they are seen for the first time, and when one was made. */
  onReady(listener: () => void): void
  /** Throws while streams are missing. */
  requireReady(): void
  close(): Promise<void>
}

/** Milliseconds between two stretches of a long backlog that is looked through. */
const strollMs = 1000

export function createServerHalf(
  deps: ServerHalfDeps & {
    log: Log
    link: NatsLink
    layout: NatsLayout
    prefix: string
    inbox: string
  },
): ServerHalf {
  const { ledger, link, layout, log, replicas } = deps
  const db: Kysely<Tables> = ledger.db
  const publisher = createPublisher({ ...deps, db })
  const finder = createMissingFinder({ ...deps, db, publisher }, { graceMs: deps.graceMs ?? 2000 })
  const undertaker = createUndertaker({ ...deps, db })
  let keepSoon = () => {}
  let tellReady = () => {}
  let isReady = false
  let problem: Error | null = new Error('The streams have not been looked at yet')
  let ensuring: Promise<void> | null = null

  async function ensure(): Promise<void> {
    const { connection } = link
    if (connection === null) return
    try {
      const made = await ensureStreams(connection, layout, { replicas })
      if (made.length > 0) log.info({ types: made }, 'Streams were made')
      if (made.length > 0) finder.restart()
      problem = null
      const isNews = !isReady || made.length > 0
      isReady = true
      if (isNews) tellReady()
    } catch (error) {
      problem = error instanceof Error ? error : new Error(String(error))
      throw error
    }
  }
  const ensureOnce = () =>
    (ensuring ??= ensure().finally(() => {
      ensuring = null
    }))

  // Every server sees to it that it can publish; what was missed meanwhile is for one of them.
  const forget = link.onConnected(() => {
    finder.restart()
    ensureOnce().then(
      () => keepSoon(),
      (error: unknown) => log.warn({ err: error }, 'The streams could not be made'),
    )
  })

  return {
    wake(jobs) {
      publisher.wake(jobs)
      deps.workers?.queued([...new Set(jobs.map(({ type }) => type))])
    },
    cancel: (jobIds) => deps.workers?.stopped(jobIds),
    async keep() {
      if (link.connection === null) return
      await ensureOnce()
      const { more, published } = await finder.look()
      if (published > 0) log.info({ jobs: published }, 'Jobs without a message were published')
      const buried = await undertaker.bury()
      if (published > 0 || buried) return 0
      if (more) return strollMs
    },
    onKeep(listener) {
      keepSoon = listener
    },
    isReady: () => isReady,
    onReady(listener) {
      tellReady = listener
    },
    requireReady() {
      if (problem !== null) throw problem
    },
    async close() {
      forget()
      await undertaker.close()
      await publisher.close()
      await ensuring?.catch(() => {})
    },
  }
}

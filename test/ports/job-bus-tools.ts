import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import type { NewJob } from '../../packages/server/src/db/unit-of-work.ts'
import {
  type ClaimedJob,
  JobAborted,
  type JobBus,
  type JobOutcome,
} from '../../packages/server/src/ports/job-bus.ts'

/** A ledger, and buses over it. */
export interface JobBusWorld {
  /**
   * Whether a broken connection can take the answer to a claim along that the ledger has granted: such an
   * attempt is freed, and counts.
   */
  readonly losesAnswers?: boolean
  /** The bus of one more server; the first is the one that `enqueue` and `cancel` wake. */
  openBus(): Promise<JobBus>
  /** Registers a worker that is alive; answers its id. */
  addWorker(types: readonly string[]): Promise<string>
  /** Commits the jobs and wakes the first bus; `unseen`: its process died before it could. */
  enqueue(jobs: readonly NewJob[], how?: 'unseen'): Promise<void>
  read(id: string): Promise<JobRecord>
  /** Cancels the jobs of the run and tells the first bus. */
  cancel(runId: string): Promise<void>
  /** Ends the job as a room does in a transaction of its own; whether it counted. */
  settle(job: ClaimedJob, workerId: string): Promise<boolean>
  /** Breaks every connection that the buses have to whatever carries their jobs. */
  cutConnections(): Promise<void>
  close(): Promise<void>
}

export interface JobRecord {
  state: string
  attempt: number
  workerId: string | null
  result: unknown
  error: string | null
}

export interface JobBusWorldOptions {
  /** Whether a wake that got lost is made good within a second, or (as good as) never. */
  safetyNet: 'quick' | 'never'
}

/** A queued job as rooms make them. */
export function newJob(over: Partial<NewJob> = {}): NewJob {
  const id = randomUUID()
  return {
    id,
    type: 'task',
    subject: `pipeline.tasks.${id}`,
    runId: null,
    payload: {},
    timeoutMs: 60_000,
    ...over,
  }
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

export function whyOf(signal: AbortSignal): string | null {
  return signal.reason instanceof JobAborted ? signal.reason.why : null
}

export function succeed(result: unknown = null): Promise<JobOutcome> {
  return Promise.resolve({ state: 'succeeded', result })
}

/** A gate that is opened once. */
export function open<T>(): { opened: Promise<T>; open: (value: T) => void } {
  let release: (value: T) => void = () => {}
  const opened = new Promise<T>((resolve) => (release = resolve))
  return { opened, open: (value) => release(value) }
}

/** Things that happen, to be awaited one by one. */
export function collect<T>(): { all: T[]; add(value: T): void; next(): Promise<T> } {
  const all: T[] = []
  let taken = 0
  let arrived = open<void>()
  return {
    all,
    add(value) {
      all.push(value)
      arrived.open()
      arrived = open<void>()
    },
    async next() {
      while (taken >= all.length) await arrived.opened
      return all[taken++]!
    },
  }
}

export function chunks<T>(values: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(values.length / size) }, (_, index) =>
    values.slice(index * size, (index + 1) * size),
  )
}

/** What the ledger says of a job, sooner or later. */
export function eventually(world: JobBusWorld, id: string) {
  const read = () => world.read(id)
  const patience = { timeout: 15_000 }
  return {
    toEqual: async (record: JobRecord) => {
      await expect.poll(read, patience).toEqual(record)
    },
    toMatchObject: async (record: Partial<JobRecord>) => {
      await expect.poll(read, patience).toMatchObject(record)
    },
  }
}

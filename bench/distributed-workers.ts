import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { WorkerOrder, WorkerReport } from './distributed-protocol.ts'

const workerFile = fileURLToPath(new URL('./distributed-worker.ts', import.meta.url))

/** Processes that have nothing to do with the server but the database and NATS. */
export interface Workers {
  /** Resolves when all have done it. */
  tell(order: WorkerOrder): Promise<void>
  /** From now on, the next so many jobs that they begin. */
  begun(count: number): Promise<[id: string, at: string][]>
  end(): Promise<void>
  kill(): void
}

export async function startWorkers(input: {
  /** Of the database. */
  url: string
  nats: string
  count: number
  /** Of all together. */
  capacity: number
}): Promise<Workers> {
  const args = [input.url, input.nats, String(input.capacity / input.count)]
  const children = Array.from({ length: input.count }, () => fork(workerFile, args))
  const next = (child: ChildProcess, kind: WorkerReport['kind']) =>
    new Promise<void>((resolve, reject) => {
      const fail = () => reject(new Error('a worker has ended'))
      const listen = (report: WorkerReport) => {
        if (report.kind !== kind) return
        child.off('message', listen).off('exit', fail)
        resolve()
      }
      child.on('message', listen).once('exit', fail)
    })
  await Promise.all(children.map((child) => next(child, 'ready')))
  return {
    async tell(order) {
      await Promise.all(
        children.map(async (child) => {
          const done = next(child, 'done')
          child.send(order)
          await done
        }),
      )
    },
    begun: (count) =>
      new Promise((resolve) => {
        const all: [string, string][] = []
        const listen = (report: WorkerReport) => {
          if (report.kind !== 'begun') return
          all.push(...report.jobs)
          if (all.length < count) return
          for (const child of children) child.off('message', listen)
          resolve(all)
        }
        for (const child of children) child.on('message', listen)
      }),
    async end() {
      const exits = children.map((child) => once(child, 'exit'))
      for (const child of children) child.send('end' satisfies WorkerOrder)
      await Promise.all(exits)
    },
    kill() {
      for (const child of children) child.kill('SIGKILL')
    },
  }
}

import type { EncodedVerdict, WorkLedger } from '../../../jobs/index.ts'

const maxBatch = 500

interface Pending {
  verdict: EncodedVerdict
  resolve: (accepted: boolean) => void
  reject: (error: unknown) => void
}

/**
 * Writes outcomes to the ledger, those of one turn of the event loop and those that come while a
 * statement is under way together in one. Answers whether the ledger accepted it; rejects when the
 * database does, and the caller may write the same again.
 */
export function createOutcomeWriter(
  ledger: Pick<WorkLedger, 'complete'>,
  workerId: string,
): (verdict: EncodedVerdict) => Promise<boolean> {
  const queue: Pending[] = []
  let busy = false

  const flush = async () => {
    while (queue.length > 0) {
      const batch = queue.splice(0, maxBatch)
      try {
        const verdicts = batch.map(({ verdict }) => verdict)
        const accepted = await ledger.complete({ workerId, verdicts })
        for (const { verdict, resolve } of batch) resolve(accepted.has(verdict.id))
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    busy = false
  }
  return (verdict) =>
    new Promise((resolve, reject) => {
      queue.push({ verdict, resolve, reject })
      if (busy) return
      busy = true
      setImmediate(() => void flush())
    })
}

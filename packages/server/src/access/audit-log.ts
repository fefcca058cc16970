import type { Kysely } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'

/** Who did what, on what, from where, and how it ended. */
export interface NewAuditEntry {
  at: Date
  actor: string
  action: string
  resource: string
  address: string
  outcome: number
  request_id: string
}

export interface AuditLog {
  /** Resolves when the entry is stored, rejects when it could not be. */
  record(entry: NewAuditEntry): Promise<void>
}

/** Rows of one INSERT, well below PostgreSQL's 65,535 parameters. */
const batchSize = 1000

/**
 * Writes the audit log. Entries that arrive while a write is under way share the next one,
 * so that many changes at once cost few transactions.
 */
export function openAuditLog(deps: { db: Kysely<Tables> }): AuditLog {
  let waiting: { entry: NewAuditEntry; settle: Settle }[] = []
  let writing = false

  async function writeAll(): Promise<void> {
    writing = true
    while (waiting.length > 0) {
      const batch = waiting.slice(0, batchSize)
      waiting = waiting.slice(batchSize)
      try {
        await deps.db
          .insertInto('audit_log')
          .values(batch.map(({ entry }) => entry))
          .execute()
        for (const { settle } of batch) settle.resolve()
      } catch (error) {
        for (const { settle } of batch) settle.reject(error)
      }
    }
    writing = false
  }

  return {
    record: (entry) =>
      new Promise((resolve, reject) => {
        waiting.push({ entry, settle: { resolve, reject } })
        if (!writing) void writeAll()
      }),
  }
}

interface Settle {
  resolve: () => void
  reject: (error: unknown) => void
}

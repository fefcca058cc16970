/** An event of the outbox that has its number: what every reader of the stream is given. */
export interface StoredEvent {
  /** Position in the one order of all events, dense from 1: a reader's cursor. */
  readonly seq: number
  readonly type: string
  /** Null: visible only to principals that are not limited to repositories. */
  readonly repository: string | null
  readonly runId: string | null
  /** The documented envelope `{event_type, timestamp, data}` as JSON on one line, written once. */
  readonly json: string
  /** What caused it, as `currentOrigin` told it; absent: nobody knows. */
  readonly origin?: string
}

/** A row as the queries of this room select it; `data` is the text of the jsonb column. */
export interface EventRow {
  seq: number
  event_type: string
  repository: string | null
  run_id: string | null
  occurred_at: Date | string
  data: string
  origin: string | null
}

export function toStoredEvent(row: EventRow): StoredEvent {
  return {
    seq: row.seq,
    type: row.event_type,
    repository: row.repository,
    runId: row.run_id,
    json: envelope(row.event_type, new Date(row.occurred_at), row.data),
    ...(row.origin === null ? {} : { origin: row.origin }),
  }
}

/** `data` is JSON already; PostgreSQL writes jsonb on one line. */
export function envelope(type: string, at: Date, data: string): string {
  return `{"event_type":${JSON.stringify(type)},"timestamp":"${at.toISOString()}","data":${data}}`
}

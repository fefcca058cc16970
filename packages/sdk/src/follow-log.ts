import { followStream } from './follow-stream.ts'
import { SlipwayError } from './slipway-error.ts'
import type { CallOptions, Transport } from './transport.ts'

/** A line of a log. */
export interface LogLine {
  /** From 1, dense, the same for ever. */
  seq: number
  /** When it arrived, or of a build was written (RFC 3339). */
  timestamp: string
  /** Without its line end; what the command wrote, terminal escapes included. */
  line: string
}

export interface LogOptions extends CallOptions {
  /** Goes on with what is written until the step, or the build, has ended. */
  follow?: boolean | undefined
  /** Only lines with a greater sequence number. */
  after?: number | undefined
  /** Only the last so many lines. */
  tail?: number | undefined
}

/** The lines of the log at this path; a connection that breaks is resumed behind the last line. */
export async function* followLog(
  transport: Transport,
  path: string,
  { signal, follow, after, tail }: LogOptions,
): AsyncGenerator<LogLine, void, undefined> {
  const query = { follow: follow || undefined, after, tail }
  const input = { path, query, signal, finite: true }
  for await (const { data } of followStream(transport, input)) yield parseLine(data)
}

function parseLine(data: string): LogLine {
  try {
    const parsed = JSON.parse(data) as Partial<LogLine> | null
    if (typeof parsed?.seq === 'number' && typeof parsed.line === 'string') {
      return { seq: parsed.seq, timestamp: String(parsed.timestamp), line: parsed.line }
    }
  } catch {
    // Told below.
  }
  const message = 'The server sent a log line that cannot be read'
  throw new SlipwayError({ status: 200, code: 'invalid_response', message })
}

import type { ServerResponse } from 'node:http'
import type { LogChunk } from '../../../logs/index.ts'
import { waitForDrain } from '../../wait-for-drain.ts'

/** Milliseconds that a reader may take nothing. */
const drainMs = 30_000

/** How lines are put on the wire. */
export interface LogFormat {
  contentType: string
  encode: (chunk: LogChunk) => Buffer | string
  /** What goes out once there are no more lines. */
  end: string
}

/** The lines as they are, each ending in a line break. */
export const plainText: LogFormat = {
  contentType: 'text/plain; charset=utf-8',
  encode: (chunk) => chunk.data,
  end: '',
}

/** The same, each behind the time at which it arrived. */
export const timedText: LogFormat = {
  contentType: 'text/plain; charset=utf-8',
  encode: (chunk) => {
    const at = chunk.at.toISOString()
    return linesOf(chunk)
      .map((line) => `${at} ${line}\n`)
      .join('')
  },
  end: '',
}

/** A line as Server-Sent Events tell of it. */
interface LogLine {
  seq: number
  /** RFC 3339. */
  timestamp: string
  line: string
}

/** Server-Sent Events: the id is the line's sequence number, so that a reader resumes behind it. */
export function eventsOf(read: (chunk: LogChunk) => readonly LogLine[]): LogFormat {
  return {
    contentType: 'text/event-stream',
    encode: (chunk) =>
      read(chunk)
        .map((line) => `id: ${line.seq}\ndata: ${JSON.stringify(line)}\n\n`)
        .join(''),
    end: 'event: end\ndata: {}\n\n',
  }
}

/** The same of lines as they are, each with the time at which it arrived. */
export const eventStream = eventsOf((chunk) => {
  const timestamp = chunk.at.toISOString()
  return linesOf(chunk).map((line, index) => ({ seq: chunk.seq + index, timestamp, line }))
})

function linesOf(chunk: LogChunk): string[] {
  return chunk.data.toString('utf8').replace(/\n$/, '').split('\n')
}

/**
 * Sends lines as they come, at the reader's pace. Ends the response when there are no more. When
 * `input.signal` aborts first, or the reader takes nothing for too long, the response breaks off:
 * a log that stops in the middle must not look like a whole one, or nobody comes back for the rest.
 */
export async function streamLog(
  raw: ServerResponse,
  input: {
    headers: Record<string, number | string | string[] | undefined>
    format: LogFormat
    lines: (signal: AbortSignal) => AsyncIterable<LogChunk>
    signal: AbortSignal
  },
): Promise<void> {
  const gone = new AbortController()
  raw.on('error', () => gone.abort())
  raw.once('close', () => gone.abort())
  // Its close may have come before anybody listened.
  if (raw.destroyed) gone.abort()
  const signal = AbortSignal.any([gone.signal, input.signal])
  raw.writeHead(200, {
    ...input.headers,
    'content-type': input.format.contentType,
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
  })
  raw.flushHeaders()
  try {
    for await (const chunk of input.lines(signal)) {
      if (signal.aborted) break
      if (raw.write(input.format.encode(chunk))) continue
      if (!(await waitForDrain(raw, { drainMs, signal }))) {
        raw.destroy()
        return
      }
    }
    if (signal.aborted) raw.destroy()
    else raw.end(input.format.end)
  } catch (error) {
    raw.destroy()
    throw error
  }
}

/** One dispatched event of a stream (WHATWG HTML, 9.2 "Server-sent events"). */
export interface SseEvent {
  /** The `event` field; "message" when there was none. */
  type: string
  data: string
  /** The last `id` seen, in this event or before it; "" when there was none. */
  id: string
}

export interface SseParser {
  /** Feeds text as it came, broken anywhere; returns the events that it completes. */
  push(text: string): SseEvent[]
  /** Of the last block that was complete. */
  readonly lastId: string
  /** The last `retry` field in milliseconds; undefined when there was none. */
  readonly retryMs: number | undefined
}

/** Longest event that is kept, in characters; a longer one is an error and not a full memory. */
const MAX_EVENT = 16 * 1024 * 1024

export function createSseParser(lastId = ''): SseParser {
  let pending = ''
  let first = true
  let afterReturn = false
  let type = ''
  let data: string[] = []
  let size = 0
  // A line sets the buffer; only the end of its block makes it the cursor, or a stream that
  // breaks off between the two would resume behind an event that nobody saw.
  let idBuffer = lastId
  let id = lastId
  let retryMs: number | undefined

  function line(text: string, out: SseEvent[]): void {
    if (text === '') {
      id = idBuffer
      // A block without data moves the last id, but dispatches nothing.
      if (data.length > 0) out.push({ type: type || 'message', data: data.join('\n'), id })
      type = ''
      data = []
      size = 0
      return
    }
    const colon = text.indexOf(':')
    if (colon === 0) return
    const name = colon === -1 ? text : text.slice(0, colon)
    const rest = colon === -1 ? '' : text.slice(colon + 1)
    const value = rest.startsWith(' ') ? rest.slice(1) : rest
    if (name === 'data') {
      size += value.length + 1
      checkSize(size)
      data.push(value)
    } else if (name === 'event') type = value
    else if (name === 'id' && !value.includes('\0')) idBuffer = value
    else if (name === 'retry' && /^\d+$/.test(value)) retryMs = Number(value)
  }

  return {
    get lastId() {
      return id
    },
    get retryMs() {
      return retryMs
    },
    push(chunk) {
      const out: SseEvent[] = []
      let text = chunk
      if (first && text !== '') {
        first = false
        if (text.startsWith('\uFEFF')) text = text.slice(1)
      }
      let start = 0
      // The LF of a CRLF whose CR ended the chunk before.
      if (afterReturn && text !== '') {
        afterReturn = false
        if (text.startsWith('\n')) start = 1
      }
      const ends = /\r\n|\r|\n/g
      ends.lastIndex = start
      for (let match = ends.exec(text); match; match = ends.exec(text)) {
        line(pending + text.slice(start, match.index), out)
        pending = ''
        start = ends.lastIndex
        if (match[0] === '\r' && start === text.length) afterReturn = true
      }
      pending += text.slice(start)
      checkSize(pending.length)
      return out
    },
  }
}

function checkSize(size: number): void {
  if (size > MAX_EVENT) throw new RangeError('An event of the stream is longer than 16 MiB')
}

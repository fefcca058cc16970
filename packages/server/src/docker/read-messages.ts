import type { Readable } from 'node:stream'

/** One item of what an engine says while it works. */
export interface DockerMessage {
  stream?: string
  status?: string
  id?: string
  /** Failures come as an item of an answer that began with 200. */
  error?: string
  errorDetail?: { message?: string }
  progressDetail?: { current?: number; total?: number }
  aux?: unknown
}

/** Bytes; BuildKit's reports hold up to a megabyte of output, as base64. */
const maxMessageBytes = 16 * 1024 * 1024

/** The JSON items of a stream, each on a line of its own. */
export async function* readMessages(stream: Readable): AsyncGenerator<DockerMessage> {
  let held: Buffer[] = []
  let size = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    let rest = chunk
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      const line = Buffer.concat([...held, rest.subarray(0, end)])
      held = []
      size = 0
      rest = rest.subarray(end + 1)
      yield* parse(line)
    }
    if (rest.length === 0) continue
    size += rest.length
    if (size > maxMessageBytes) throw new Error('the engine sends an item without an end')
    held.push(rest)
  }
  yield* parse(Buffer.concat(held))
}

function parse(line: Buffer): DockerMessage[] {
  const text = line.toString().trim()
  if (text === '') return []
  const item: unknown = JSON.parse(text)
  return item !== null && typeof item === 'object' ? [item] : []
}

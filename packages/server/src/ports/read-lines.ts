import { StringDecoder } from 'node:string_decoder'
import type { Readable } from 'node:stream'

/** Characters of one line; what is longer is no line of ours. */
const mostCharacters = 64 * 1024 * 1024

/**
 * The lines of a stream as they come, without their ends; a last one without an end is one, too, and empty ones
 * are left out. Throws what breaks the stream. Whoever stops reading destroys it.
 */
export async function* readLines(body: Readable): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8')
  let open = ''
  for await (const chunk of body as AsyncIterable<Buffer>) {
    const lines = (open + decoder.write(chunk)).split('\n')
    open = lines.pop() ?? ''
    if (open.length > mostCharacters) throw new Error('a line that is too long')
    for (const line of lines) if (line !== '') yield line
  }
  open += decoder.end()
  if (open !== '') yield open
}

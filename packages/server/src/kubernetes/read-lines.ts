/** Bytes of one line: an object of a cluster has at most 1.5 MiB, and is escaped here. */
const maxLineBytes = 16 * 1024 * 1024

/** The lines of a stream that are not empty; what follows the last line break is one as well. */
export async function* readLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let held: Buffer[] = []
  let size = 0
  for await (const chunk of chunks) {
    let rest = chunk
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      const line = Buffer.concat([...held, rest.subarray(0, end)])
      held = []
      size = 0
      rest = rest.subarray(end + 1)
      if (line.length > 0) yield line.toString()
    }
    if (rest.length === 0) continue
    size += rest.length
    if (size > maxLineBytes) throw new Error('the server sends a line without an end')
    held.push(rest)
  }
  const last = Buffer.concat(held)
  if (last.length > 0) yield last.toString()
}

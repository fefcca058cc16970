/** Joins chunks broken anywhere into lines at "\n"; what follows the last one is a line too. */
export async function* splitLines(
  chunks: AsyncIterable<string>,
): AsyncGenerator<string, void, undefined> {
  let parts: string[] = []
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf('\n'); end !== -1; end = chunk.indexOf('\n', start)) {
      parts.push(chunk.slice(start, end))
      yield parts.join('')
      parts = []
      start = end + 1
    }
    if (start < chunk.length) parts.push(chunk.slice(start))
  }
  if (parts.length > 0) yield parts.join('')
}

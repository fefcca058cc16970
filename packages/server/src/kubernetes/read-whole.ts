import type { Readable } from 'node:stream'

const defaultBytes = 64 * 1024 * 1024

/** All of a stream in memory. More than `limit` bytes, and silence for `silenceMs` before its end, are errors. */
export async function readWhole(
  stream: Readable,
  { silenceMs, limit = defaultBytes }: { silenceMs: number; limit?: number },
): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  const end = () => stream.destroy(new Error(`silent for ${silenceMs} ms`))
  let timer = setTimeout(end, silenceMs)
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      clearTimeout(timer)
      timer = setTimeout(end, silenceMs)
      chunks.push(chunk)
      size += chunk.length
      if (size > limit) throw new Error(`the answer has more than ${limit} bytes`)
    }
  } finally {
    clearTimeout(timer)
  }
  return Buffer.concat(chunks)
}

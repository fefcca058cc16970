import type { Readable } from 'node:stream'

const defaultBytes = 64 * 1024 * 1024

/** All of a stream in memory; more than `limit` bytes are an error. */
export async function readWhole(stream: Readable, limit = defaultBytes): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > limit) throw new Error(`the answer has more than ${limit} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

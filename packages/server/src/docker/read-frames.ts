import type { Readable } from 'node:stream'

/** Before each piece of output: which stream it is of (1 byte), nothing (3), its length (4). */
const headerBytes = 8
/** No engine sends more at once than a line of a log. */
const maxFrameBytes = 16 * 1024 * 1024

/**
 * What a container writes, as an engine sends it where there is no terminal: stdout and stderr in frames.
 * Yields the frames that each chunk completes.
 */
export async function* readFrames(stream: Readable): AsyncGenerator<Buffer[]> {
  let held: Buffer[] = []
  let heldBytes = 0
  let neededBytes = headerBytes
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    held.push(chunk)
    heldBytes += chunk.length
    if (heldBytes < neededBytes) continue
    const bytes = held.length === 1 ? chunk : Buffer.concat(held)
    const frames: Buffer[] = []
    let at = 0
    neededBytes = headerBytes
    while (bytes.length - at >= headerBytes) {
      const size = bytes.readUInt32BE(at + 4)
      if (size > maxFrameBytes) throw new Error('the engine sends a frame without an end')
      const end = at + headerBytes + size
      if (end > bytes.length) {
        neededBytes = headerBytes + size
        break
      }
      if (size > 0) frames.push(bytes.subarray(at + headerBytes, end))
      at = end
    }
    held = at === bytes.length ? [] : [bytes.subarray(at)]
    heldBytes = bytes.length - at
    if (frames.length > 0) yield frames
  }
}

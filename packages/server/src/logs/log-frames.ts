/**
 * How lines go from one server to another: frames of four bytes with the length of the head (big-endian), the
 * head as JSON, and as many bytes of lines as it says. A frame without anything says that the server is
 * alive; one with `end` is the last, and without it the stream has broken off.
 */
export interface FrameHead {
  seq?: number
  lines?: number
  /** When the lines came, in milliseconds since 1970. */
  at?: number
  /** Length of the lines. */
  bytes?: number
  end?: string
}

export interface Frame {
  head: FrameHead
  data: Buffer
}

/** Milliseconds between two signs of life. */
export const framePingMs = 15_000
/** A head is never longer. */
const maxHeadBytes = 1_000
/** Nor is what one frame carries: a chunk of lines is at most two of the longest. */
const maxDataBytes = 1024 * 1024

export function encodeFrame(head: FrameHead, data?: Buffer): Buffer {
  const text = Buffer.from(JSON.stringify({ ...head, ...(data && { bytes: data.length }) }))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(text.length)
  return Buffer.concat(data === undefined ? [length, text] : [length, text, data])
}

/** Rejects where the bytes are no frames; a frame that is not whole at the end is left out. */
export async function* decodeFrames(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  let open: Buffer = Buffer.alloc(0)
  for await (const chunk of bytes) {
    open = open.length === 0 ? Buffer.from(chunk) : Buffer.concat([open, chunk])
    for (let frame = takeFrame(open); frame !== null; frame = takeFrame(open)) {
      open = open.subarray(frame.length)
      yield frame
    }
  }
}

function takeFrame(bytes: Buffer): (Frame & { length: number }) | null {
  if (bytes.length < 4) return null
  const headEnd = 4 + bytes.readUInt32BE(0)
  if (headEnd > maxHeadBytes) throw new Error('this is no frame of a log')
  if (bytes.length < headEnd) return null
  const head = JSON.parse(bytes.toString('utf8', 4, headEnd)) as FrameHead
  const length = headEnd + (head.bytes ?? 0)
  if (length - headEnd > maxDataBytes) throw new Error('this is no frame of a log')
  return bytes.length < length ? null : { head, data: bytes.subarray(headEnd, length), length }
}

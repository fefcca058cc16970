import type { Readable } from 'node:stream'
import { readFrames } from '../../../docker/index.ts'
import type { OutputSink } from '../../../ports/executor.ts'

export interface PumpOptions {
  limit: number
  /** One byte more than `limit` has come; what follows is read and thrown away. */
  onLimit(): void
  onSinkError(error: unknown): void
}

/**
 * Hands the output of an attached container to the sink, at its pace. Resolves when the engine has ended
 * it: true, or false where the connection broke.
 */
export async function pumpFrames(
  stream: Readable,
  sink: OutputSink,
  options: PumpOptions,
): Promise<boolean> {
  let left = options.limit
  let isDiscarding = false
  const hand = async (chunk: Buffer): Promise<void> => {
    if (isDiscarding) return
    const taken = chunk.length > left ? chunk.subarray(0, left) : chunk
    left -= taken.length
    try {
      // A copy: the sink keeps it.
      if (taken.length > 0) await sink.write(Buffer.from(taken))
    } catch (error) {
      isDiscarding = true
      options.onSinkError(error)
      return
    }
    if (taken.length === chunk.length) return
    isDiscarding = true
    options.onLimit()
  }
  try {
    for await (const frames of readFrames(stream)) for (const frame of frames) await hand(frame)
    return true
  } catch {
    return false
  }
}

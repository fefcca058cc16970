import type { BuildFrame } from '@slipway/contract/build-socket'
import { readLogLines } from '../../builds/index.ts'
import type { LogChunk } from '../../logs/index.ts'

/** The frames of a stretch of a build's log, as JSON. */
export function toLogFrames(chunk: LogChunk): Buffer[] {
  return readLogLines(chunk).map((line) => {
    const frame: BuildFrame = { type: 'log', ...line }
    return Buffer.from(JSON.stringify(frame))
  })
}

import type { BuildFrame } from '@slipway/contract/build-socket'
import type { LogChunk } from '../../logs/index.ts'

/** In front of each line of a build's log; what follows it may be anything. */
const stamp = /^\[(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z)\] ?/

/** The frames of a stretch of a build's log, as JSON. A line without a time is given that of its arrival. */
export function toLogFrames(chunk: LogChunk): Buffer[] {
  const lines = chunk.data.toString('utf8').replace(/\n$/, '').split('\n')
  return lines.map((text, index) => {
    const found = stamp.exec(text)
    const frame: BuildFrame = {
      type: 'log',
      seq: chunk.seq + index,
      timestamp: found?.[1] ?? chunk.at.toISOString(),
      line: found === null ? text : text.slice(found[0].length),
    }
    return Buffer.from(JSON.stringify(frame))
  })
}

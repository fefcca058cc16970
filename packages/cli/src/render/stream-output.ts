import type { WriteStream } from 'node:tty'
import type { Output } from '../io.ts'

/** Standard output or error as commands write to it. `onClosed` is told when its reader is gone. */
export function streamOutput(stream: WriteStream, onClosed: () => void): Output {
  stream.on('error', onClosed)
  return {
    isTerminal: stream.isTTY,
    columns: () => stream.columns || 80,
    rows: () => stream.rows || 24,
    write: (text) =>
      new Promise((resolve) => {
        if (stream.destroyed) return resolve()
        stream.write(text, () => resolve())
        return undefined
      }),
  }
}

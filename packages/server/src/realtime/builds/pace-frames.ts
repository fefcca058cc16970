import type { WebSocket } from 'ws'
import type { Log } from '../../db/log.ts'

export interface PaceLimits {
  /** Bytes that a client may leave unread, beyond what the system holds for it. Default 256 KiB. */
  maxBufferedBytes?: number
  /** Milliseconds in which a client that has so much to read must have read some of it. Default 10,000. */
  stallMs?: number
}

/** Sends frames in order, and resolves when the client may be sent more; at once where it has gone. */
export type SendFrames = (frames: readonly (string | Buffer)[]) => Promise<void>

const asText = { binary: false, compress: false }

/**
 * Sends at the client's pace: never more than the bound and one frame are held for it. Who has that much to
 * read and takes nothing is cut.
 */
export function paceFrames(
  { socket, log }: { socket: WebSocket; log: Log },
  { maxBufferedBytes = 262_144, stallMs = 10_000 }: PaceLimits = {},
): SendFrames {
  return async (frames) => {
    for (const frame of frames) {
      if (socket.readyState !== socket.OPEN) return
      if (socket.bufferedAmount + frame.length <= maxBufferedBytes) socket.send(frame, asText)
      else await sendLast(frame)
    }
  }

  /** Resolves when this frame, and so all before it, is out of our hands. */
  async function sendLast(frame: string | Buffer): Promise<void> {
    let left = Number.POSITIVE_INFINITY
    const watch = setInterval(() => {
      if (socket.bufferedAmount >= left) {
        log.info({ bytes: left }, 'A client that does not read was dropped')
        socket.terminate()
      }
      left = socket.bufferedAmount
    }, stallMs)
    watch.unref()
    try {
      await new Promise<void>((resolve) => {
        const done = () => {
          socket.off('close', done)
          resolve()
        }
        socket.once('close', done)
        socket.send(frame, asText, done)
      })
    } finally {
      clearInterval(watch)
    }
  }
}

import type { FollowEnd } from './file-log-store.ts'
import type { LogChunk, LogRange, LogStat } from './log-store.ts'
import type { LogPiece, ReceivedLog, WholeLog } from './receive-log.ts'

/**
 * The file log stores of other servers, by the ids of their data directories. Everything rejects with
 * `ServerAway` where the server cannot be asked, or broke off.
 */
export interface LogPeers {
  stat(home: string, key: string): Promise<LogStat | null>
  read(home: string, key: string, range: LogRange, signal: AbortSignal): AsyncIterable<LogChunk>
  follow(
    home: string,
    key: string,
    range: LogRange,
    signal: AbortSignal,
  ): AsyncGenerator<LogChunk, FollowEnd>
  readBytes(home: string, key: string, start: number, end: number): AsyncIterable<Buffer>
  readEnd(
    home: string,
    key: string,
    bytes: number,
  ): Promise<{ data: Buffer; isWhole: boolean } | null>
  openWhole(home: string, key: string): Promise<WholeLog | null>
  receive(home: string, key: string, piece: LogPiece): Promise<ReceivedLog>
  sealReceived(
    home: string,
    key: string,
    whole: { bytes: number; indexBytes: number },
  ): Promise<ReceivedLog>
  /** Hands the log to the object store there, so that somebody else can go on with it. */
  park(home: string, key: string): Promise<void>
  deletePrefix(home: string, prefix: string): Promise<void>
}

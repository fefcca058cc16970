export { createLogPeers, peerLogsPath } from './ask-log-peers.ts'
export { createFileLogStore, type FileLogStore, type FileLogStoreOptions } from './file-log-store.ts'
export { encodeFrame, framePingMs } from './log-frames.ts'
export { createLogPlaces } from './log-places.ts'
export type {
  LogChunk,
  LogRange,
  LogStat,
  LogStore,
  LogWriter,
  OpenLogOptions,
} from './log-store.ts'
export type { LogPiece, LogReceiver, ReceivedLog } from './receive-log.ts'
export { createSharedLogStore } from './shared-log-store.ts'
export { takeStock } from './take-stock.ts'
export { createLogLinks, type LogLinks } from './log-links.ts'

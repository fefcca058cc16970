export { createFileLogStore, type FileLogStoreOptions } from './file-log-store.ts'
export type {
  LogChunk,
  LogRange,
  LogStat,
  LogStore,
  LogWriter,
  OpenLogOptions,
} from './log-store.ts'
export { createLogLinks, type LogLinks } from './log-links.ts'

export type { LogChunk, LogRange, LogStat, LogStore, LogWriter } from './log-store.ts'

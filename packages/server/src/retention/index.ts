// The room of how long finished things are kept; whoever keeps them removes them.
export { changeRetention, previewRetention } from './change-retention.ts'
export { countWithin, mostCounted, withinTime } from './count-within.ts'
export type { CountRemovals, RetentionDeps } from './deps.ts'
export { type KeptTimes, openKeptTimes } from './kept-times.ts'
export type { ConfiguredTimes, Kind } from './kinds.ts'
export { listRetention } from './list-retention.ts'

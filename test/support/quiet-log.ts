import type { Log } from '../../packages/server/src/db/log.ts'

/** For tests that look at what happens, not at what is said about it. */
export const quietLog: Log = { info() {}, warn() {}, error() {} }

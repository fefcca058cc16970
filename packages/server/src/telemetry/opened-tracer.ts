import type { Tracer } from '../correlation.ts'
import type { Log } from '../db/log.ts'

/** Told of spans as they are handed on. Nothing here throws. */
export interface SpanFigures {
  /** So many spans ended, were taken by the receiver, or were given up. */
  spans(outcome: 'ended' | 'exported' | 'failed', count: number): void
}

export interface OpenedTracer {
  /** Null: nothing is traced. */
  tracer: Tracer | null
  /** Hands on what has ended, for at most `closeMs`. Never rejects; repeating is harmless. */
  close(): Promise<void>
}

export interface TracerDeps {
  log: Log
  /** Of Slipway, as spans tell it. */
  version: string
  figures: SpanFigures
}

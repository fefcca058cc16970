import pino, { type DestinationStream, type Logger, type LoggerOptions } from 'pino'
import { logFields } from './correlation.ts'
import { redactLine } from './redact-line.ts'

/** Causes of an error, and errors in one of several, that are told with it. */
const mostCauses = 5

/**
 * The log of the process: one JSON object a line, with `level` (`DEBUG`, `INFO`, `WARN`, `ERROR`), `time` (ISO 8601),
 * `msg`, and the ids of the request, job and trace in whose course it is written. See docs/logging.md.
 */
export function openLog(options: { level: string }, destination?: DestinationStream): Logger {
  const settings: LoggerOptions = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: {
      level: (label) => ({ level: label === 'fatal' ? 'ERROR' : label.toUpperCase() }),
    },
    mixin: () => logFields(),
    serializers: { err: (error: unknown) => describe(error, mostCauses) },
    hooks: { streamWrite: redactLine },
  }
  return destination === undefined ? pino(settings) : pino(settings, destination)
}

/** Nothing but these: libraries hang requests, headers and answers on their errors. */
function describe(error: unknown, depth: number): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? { message: error } : {}
  const { name, message, stack, cause } = error
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {}
  const inner = error instanceof AggregateError ? error.errors.slice(0, mostCauses) : []
  const deeper = depth > 0
  return {
    type: name,
    ...code,
    message,
    stack,
    ...(cause === undefined || !deeper ? {} : { cause: describe(cause, depth - 1) }),
    ...(inner.length === 0 || !deeper
      ? {}
      : { errors: inner.map((each) => describe(each, depth - 1)) }),
  }
}

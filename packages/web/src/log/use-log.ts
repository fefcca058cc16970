import { useEffect, useState } from 'react'
import { type LogLines, readLog } from './log-lines.ts'
import type { LogSource } from './log-sources.ts'

export interface ReadLog {
  lines: LogLines | null
  error: Error | null
  /** From its first line. */
  readAgain: () => void
}

/** The lines of a log, which grow while `follow` and the log is being written. */
export function useLog(source: LogSource, follow: boolean): ReadLog {
  const [log, setLog] = useState<Omit<ReadLog, 'readAgain'>>({ lines: null, error: null })
  const [attempt, setAttempt] = useState(0)
  useEffect(() => {
    const stop = new AbortController()
    setLog({ lines: null, error: null })
    // The arrays grow in place: only a new object around them tells React.
    readLog(
      source,
      follow,
      (lines) => setLog({ lines: { ...lines }, error: null }),
      stop.signal,
    ).catch((error: unknown) => {
      if (stop.signal.aborted) return
      setLog(({ lines }) => ({
        lines,
        error: error instanceof Error ? error : new Error(String(error)),
      }))
    })
    return () => stop.abort()
    // A log that ends while it is read is read to its end by the request under way.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [source.key, attempt])
  return { ...log, readAgain: () => setAttempt(attempt + 1) }
}

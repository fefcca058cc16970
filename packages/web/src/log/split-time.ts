const timed = /^\[?(\d{4}-[^\s\]]+)\]? ?(.*)$/s

/** A line of a log apart from the time in front of it, '' where there is none. */
export function splitTime(text: string): { timestamp: string; line: string } {
  const [, timestamp = '', line = text] = timed.exec(text) ?? []
  return { timestamp, line }
}

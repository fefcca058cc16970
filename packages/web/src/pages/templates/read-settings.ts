/** What is typed as settings: an object of JSON, or what is wrong with it and where. */
export function readSettings(
  text: string,
): { settings: Record<string, unknown>; problem: null } | { settings: null; problem: string } {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return { settings: { ...value }, problem: null }
    }
    return { settings: null, problem: 'It must be keys and values: {"KEY": "value"}' }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { settings: null, problem: `This is not JSON: ${withPlace(reason, text)}` }
  }
}

/** The engine says at which character: people look for lines. */
function withPlace(reason: string, text: string): string {
  const [, position] = /at position (\d+)/.exec(reason) ?? []
  if (position === undefined || /line \d+/.test(reason)) return reason
  const before = text.slice(0, Number(position)).split('\n')
  return `${reason} (line ${before.length} column ${(before.at(-1) ?? '').length + 1})`
}

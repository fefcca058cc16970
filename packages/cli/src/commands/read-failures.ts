import type { ReportWorkflowRequest } from '@slipway/contract/dispatches'

type Failure = NonNullable<ReportWorkflowRequest['failures']>[number]

const most = 50

/**
 * What `{{workflow.failures}}` says of the steps that failed: a list of objects in JSON, which is itself quoted
 * as a JSON string, or `null`. What cannot be read is no reason to say nothing of the end.
 */
export function readFailures(text: string): Failure[] {
  let value = parse(text)
  if (typeof value === 'string') value = parse(value)
  if (!Array.isArray(value)) return []
  return value.slice(0, most).flatMap((entry: unknown): Failure[] => {
    if (typeof entry !== 'object' || entry === null) return []
    const { displayName, message } = entry as { displayName?: unknown; message?: unknown }
    return [{ step: word(displayName, 500), message: word(message, 2_000) }]
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Without what the server's database does not take. */
function word(value: unknown, longest: number): string {
  const text = typeof value === 'string' ? value.slice(0, longest) : ''
  return text.replaceAll(/[\0\p{Cs}]/gu, '')
}

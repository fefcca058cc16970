import { askThread } from './ask-thread.ts'
import type { ThreadMessage, ThreadQuestion } from './thread/messages.ts'

const script = new URL('./thread/branding-thread.js', import.meta.url)

/** Asks the thread that looks through trees; see `askThread`. */
export function askBrandingThread<Kind extends 'checked' | 'rewritten'>(
  question: ThreadQuestion,
  options: {
    answer: Kind
    signal: AbortSignal
    silentMs: number
    observe?: (message: ThreadMessage) => void
  },
): Promise<Extract<ThreadMessage, { kind: Kind }>> {
  return askThread<ThreadMessage, Kind>(script, question, { ...options, doing })
}

function doing(last: ThreadMessage | null): string {
  return last?.kind === 'at' ? `rule ${last.rule + 1} on ${last.path}` : 'looking through the files'
}

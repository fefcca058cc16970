import { Worker } from 'node:worker_threads'
import type { ThreadMessage, ThreadQuestion } from './thread/messages.ts'

type Answer<Kind> = Extract<ThreadMessage, { kind: Kind }>

/** Why what was asked could not be done, in words for people. */
export class ThreadFailure extends Error {
  override readonly name = 'ThreadFailure'
}

/**
 * Asks a thread of its own one question. `observe` is told what it says until it answers. A thread that
 * says nothing for `silentMs` is ended: a `ThreadFailure`, as where it fails or dies. When the signal
 * aborts it is ended, and the signal's reason thrown. It has ended in any case when this returns.
 */
export async function askThread<Kind extends 'checked' | 'rewritten'>(
  question: ThreadQuestion,
  options: {
    answer: Kind
    signal: AbortSignal
    silentMs: number
    observe?: (message: ThreadMessage) => void
  },
): Promise<Answer<Kind>> {
  const { signal, silentMs, observe } = options
  signal.throwIfAborted()
  const worker = new Worker(new URL('./thread/branding-thread.js', import.meta.url), {
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 1_024 },
  })
  let settle: () => void = () => undefined
  let timer: NodeJS.Timeout | undefined
  try {
    return await new Promise<Answer<Kind>>((resolve, reject) => {
      const onAbort = () => reject(asError(signal.reason))
      settle = () => signal.removeEventListener('abort', onAbort)
      signal.addEventListener('abort', onAbort, { once: true })
      let last: ThreadMessage | null = null
      const listen = () => {
        clearTimeout(timer)
        timer = setTimeout(() => reject(tooSlow(last, silentMs)), silentMs)
      }
      listen()
      worker.on('message', (message: ThreadMessage) => {
        last = message
        listen()
        if (isAnswer(message, options.answer)) resolve(message)
        else if (message.kind === 'failed') reject(new ThreadFailure(message.message))
        else observe?.(message)
      })
      worker.on('error', (error) => reject(died(last, error)))
      worker.on('exit', () => reject(died(last, null)))
      worker.postMessage(question)
    })
  } finally {
    clearTimeout(timer)
    settle()
    await worker.terminate()
  }
}

function isAnswer<Kind extends ThreadMessage['kind']>(
  message: ThreadMessage,
  kind: Kind,
): message is Answer<Kind> {
  return message.kind === kind
}

function tooSlow(last: ThreadMessage | null, silentMs: number): ThreadFailure {
  const during =
    last?.kind === 'at' ? `rule ${last.rule + 1} on ${last.path}` : 'looking through the files'
  return new ThreadFailure(`Given up: ${during} took longer than ${silentMs / 1000} s`)
}

function died(last: ThreadMessage | null, error: unknown): Error {
  const isMemory = (error as { code?: string } | null)?.code === 'ERR_WORKER_OUT_OF_MEMORY'
  if (error !== null && !isMemory) return asError(error)
  const during = last?.kind === 'at' ? `rule ${last.rule + 1} on ${last.path}` : 'that'
  return new ThreadFailure(`${during} needs too much memory`)
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}

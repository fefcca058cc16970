import { Worker } from 'node:worker_threads'

/** Why what was asked could not be done, in words for people. */
export class ThreadFailure extends Error {
  override readonly name = 'ThreadFailure'
}

/** What every thread may say besides its own: why it cannot do what it was asked, for people. */
interface Failed {
  kind: 'failed'
  message: string
}

/**
 * Asks a thread of its own one question. `observe` is told what it says until it answers. A thread that
 * says nothing for `silentMs` is ended: a `ThreadFailure`, as where it fails or dies; `doing` names what
 * it was at. When the signal aborts it is ended, and the signal's reason thrown. It has ended in any
 * case when this returns.
 */
export async function askThread<Message extends { kind: string }, Kind extends Message['kind']>(
  /** A module of JavaScript: a thread starts from a file, which has to be the same in src/ and dist/. */
  script: URL,
  question: object,
  options: {
    answer: Kind
    signal: AbortSignal
    silentMs: number
    doing: (last: Message | null) => string
    observe?: (message: Message) => void
  },
): Promise<Extract<Message, { kind: Kind }>> {
  const { signal, silentMs, doing, observe } = options
  signal.throwIfAborted()
  const worker = new Worker(script, {
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 1_024 },
  })
  let settle: () => void = () => undefined
  let timer: NodeJS.Timeout | undefined
  try {
    return await new Promise((resolve, reject) => {
      const onAbort = () => reject(asError(signal.reason))
      settle = () => signal.removeEventListener('abort', onAbort)
      signal.addEventListener('abort', onAbort, { once: true })
      let last: Message | null = null
      const wait = () => {
        clearTimeout(timer)
        timer = setTimeout(() => {
          const message = `Given up: ${doing(last)} took longer than ${silentMs / 1000} s`
          reject(new ThreadFailure(message))
        }, silentMs)
      }
      wait()
      worker.on('message', (message: Message | Failed) => {
        if (isFailure(message)) {
          reject(new ThreadFailure(message.message))
          return
        }
        last = message
        wait()
        if (isAnswer(message, options.answer)) resolve(message)
        else observe?.(message)
      })
      const died = () => reject(new ThreadFailure(`Given up: ${doing(last)} needs too much memory`))
      worker.on('error', (error) => {
        if ((error as { code?: string }).code === 'ERR_WORKER_OUT_OF_MEMORY') died()
        else reject(asError(error))
      })
      worker.on('exit', died)
      worker.postMessage(question)
    })
  } finally {
    clearTimeout(timer)
    settle()
    await worker.terminate()
  }
}

function isFailure(message: { kind: string }): message is Failed {
  return message.kind === 'failed'
}

function isAnswer<Message extends { kind: string }, Kind extends Message['kind']>(
  message: Message,
  kind: Kind,
): message is Extract<Message, { kind: Kind }> {
  return message.kind === kind
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}

import { Worker } from 'node:worker_threads'
import {
  type CueEvaluator,
  type CueLimits,
  noTimeLeft,
  tookTooLong,
  type WorkerReply,
} from './evaluator.ts'
import { explainCueError } from './explain-cue-error.ts'

type Answer = WorkerReply | { kind: 'late' }

/**
 * CUE 0.4.3 as WebAssembly in a worker thread. A thread that ran out of time or memory is
 * ended at once and replaced by the next file's.
 */
export function createCueWorker(limits: CueLimits, signal?: AbortSignal): CueEvaluator {
  let worker: Worker | undefined
  let spentMs = 0

  async function close(): Promise<void> {
    const ending = worker
    worker = undefined
    await ending?.terminate()
  }

  async function ask(question: string | null, ms: number): Promise<Answer> {
    const asked = performance.now()
    try {
      worker ??= spawn()
      const answer = nextAnswer(worker, ms, signal)
      if (question !== null) worker.postMessage(question)
      return await answer
    } finally {
      spentMs += performance.now() - asked
    }
  }

  return {
    close,
    evaluate: async (source) => {
      signal?.throwIfAborted()
      try {
        if (worker === undefined) {
          const ready = await ask(null, limits.totalMs - spentMs)
          if (ready.kind === 'broken') throw new Error(`CUE did not start: it ${ready.message}`)
          if (ready.kind === 'late') {
            await close()
            return noTimeLeft(limits.totalMs)
          }
        }
        const leftMs = limits.totalMs - spentMs
        const answer = await ask(source, Math.min(limits.fileMs, leftMs))
        if (answer.kind === 'value') return { ok: true, json: answer.json }
        if (answer.kind === 'error') return { ok: false, problem: explainCueError(answer.message) }
        await close()
        if (answer.kind === 'broken') {
          return {
            ok: false,
            problem: { path: '', message: `The file ${answer.message} to be evaluated.` },
          }
        }
        return leftMs < limits.fileMs ? noTimeLeft(limits.totalMs) : tookTooLong(limits.fileMs)
      } catch (error) {
        await close()
        throw error
      }
    },
  }
}

function spawn(): Worker {
  const worker = new Worker(new URL('./cue-worker.js', import.meta.url), {
    env: {},
    execArgv: [],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 32 },
  })
  // Go prints its own crash there; a stream that nobody reads would keep it all.
  worker.stdout.resume()
  worker.stderr.resume()
  // An error is followed by the exit that `nextAnswer` sees; without a listener it would be thrown in this thread.
  worker.on('error', () => {})
  return worker
}

/** The worker's next message; `late` when there is none in time, `broken` when it died. Rejects when aborted. */
function nextAnswer(worker: Worker, ms: number, signal: AbortSignal | undefined): Promise<Answer> {
  return new Promise<Answer>((resolve, reject) => {
    const died = () => settle({ kind: 'broken', message: 'needs too much memory' })
    const abort = () => {
      release()
      // The caller's own reason, whatever it is.
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors
      reject(signal?.reason)
    }
    const settle = (answer: Answer) => {
      release()
      resolve(answer)
    }
    const timer = setTimeout(() => settle({ kind: 'late' }), Math.max(0, ms))
    function release(): void {
      clearTimeout(timer)
      worker.off('message', settle)
      worker.off('exit', died)
      signal?.removeEventListener('abort', abort)
    }
    worker.on('message', settle)
    worker.on('exit', died)
    signal?.addEventListener('abort', abort)
  })
}

import type { Logger } from 'pino'
import { followLog, type Kubernetes } from '../../../kubernetes/index.ts'
import type { OutputSink } from '../../../ports/executor.ts'
import type { FlowFile } from './flow-file.ts'

/** What a step says where its node had thrown away some of its log before it was read. */
const gapNotice = '\n--- some output is missing here: its node no longer had it ---\n'

export interface FollowedOutput {
  /** Bytes at most; one more and `onLimit` is called. */
  limit: number
  onLimit(): void
  onSinkError(error: unknown): void
}

/**
 * Hands the output of a step's pod to the sink, as `followLog` does, and tells the step what was taken.
 *
 * @param ended aborts when the container has ended; what is there then is all there will be
 */
export function followOutput(
  deps: { kubernetes: Kubernetes; log: Logger; flow: FlowFile },
  input: { pod: string; sink: OutputSink; ended: AbortSignal } & FollowedOutput,
  signal: AbortSignal,
): Promise<boolean> {
  const { flow, log } = deps
  const { pod, sink, ended } = input
  let left = input.limit
  let isDiscarding = false
  /** A volume that fails now is told the next time. */
  const unlessBroken = (told: Promise<void>) =>
    told.catch((error: unknown) => log.debug({ err: error, pod }, 'a step was not told'))
  const hand = async (chunk: Buffer): Promise<void> => {
    if (isDiscarding) return
    const taken = chunk.length > left ? chunk.subarray(0, left) : chunk
    left -= taken.length
    try {
      if (taken.length > 0) await sink.write(taken)
    } catch (error) {
      isDiscarding = true
      input.onSinkError(error)
      return
    }
    if (taken.length < chunk.length) {
      isDiscarding = true
      input.onLimit()
    } else await unlessBroken(flow.taken(taken.length))
  }
  return followLog(
    deps,
    {
      pod,
      ended,
      async take({ chunk }) {
        await hand(chunk)
        return !isDiscarding
      },
      async missed() {
        // It waits for what nobody will take.
        await unlessBroken(flow.release())
        await hand(Buffer.from(gapNotice))
      },
    },
    signal,
  )
}

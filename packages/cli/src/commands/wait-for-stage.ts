import type { Dispatch, DispatchResult } from '@slipway/contract/dispatches'
import type { SlipwayClient } from '@slipway/sdk'
import type { Io } from '../io.ts'
import { persist } from '../persist.ts'

/** Nothing of the stage has begun or ended for its time-out. */
export class TimedOut extends Error {
  override readonly name = 'TimedOut'
}

/** Seconds that one request waits; less than the client's time-out for an answer. */
const waitSeconds = 20
/** For how long a server is looked for that never answered. */
const firstAnswerMs = 600_000

/**
 * Releases a stage and waits for its end, through restarts of the server and losses of the connection. The stage
 * is given up when the server says that it makes no progress any more, or at `timeoutMs`, where that is given.
 *
 * @throws TimedOut when it is given up; SlipwayError when the server refused, or did not answer meanwhile
 */
export async function waitForStage(
  { client, io }: { client: SlipwayClient; io: Pick<Io, 'err' | 'signal'> },
  input: { run: string; stage: string; timeoutMs: number | null },
): Promise<DispatchResult> {
  const { run, stage, timeoutMs } = input
  const { signal } = io
  const last = performance.now() + (timeoutMs ?? Number.POSITIVE_INFINITY)
  const within = (ms: number) => Math.max(0, Math.min(ms, last - performance.now()))
  let dispatch: Dispatch = await persist(
    () => client.dispatches.create(run, { stage }, { signal }),
    {
      io,
      giveUpMs: within(firstAnswerMs),
    },
  )
  while (dispatch.status === 'running') {
    const leftMs = within(dispatch.remaining_seconds * 1000)
    if (leftMs === 0) {
      throw new TimedOut(`${stage} is given up: ${explain(dispatch, timeoutMs)}`)
    }
    const { id } = dispatch
    const wait = Math.min(waitSeconds, Math.ceil(leftMs / 1000))
    dispatch = await persist(() => client.dispatches.get(run, id, { wait, signal }), {
      io,
      giveUpMs: leftMs,
    })
  }
  if (dispatch.result !== undefined) return dispatch.result
  const { id } = dispatch
  return persist(() => client.dispatches.result(run, id, { signal }), {
    io,
    giveUpMs: within(firstAnswerMs),
  })
}

function explain(dispatch: Dispatch, timeoutMs: number | null): string {
  if (timeoutMs !== null && dispatch.remaining_seconds > 0) {
    return `it has not ended within ${timeoutMs / 1000} s`
  }
  return `nothing of it has begun or ended for ${dispatch.timeout_seconds} s`
}

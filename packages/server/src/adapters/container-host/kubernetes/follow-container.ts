import type { Logger } from 'pino'
import { followLog, type Kubernetes } from '../../../kubernetes/index.ts'
import type { ContainerOutput } from '../../../ports/container-host.ts'
import type { ContainerId } from './container-id.ts'
import { markerOf } from './job-script.ts'
import type { WatchedContainer } from './watch-container.ts'

/** What is said where a node had thrown away some of a log before it was read. */
const gapNotice = '\n--- some output is missing here: its node no longer had it ---\n'
const newline = 10

/**
 * Hands on the output of a container until it has ended. What its node has no more is not there, and is said so.
 * Rejects where the sink does, or the container is gone.
 */
export async function followContainer(
  deps: { kubernetes: Kubernetes; log: Logger },
  input: { id: ContainerId; watched: WatchedContainer; since: Date | null; sink: ContainerOutput },
  signal: AbortSignal,
): Promise<void> {
  const { id, watched, since, sink } = input
  const pod = await watched.started
  if (pod === null) return
  const ended = new AbortController()
  const over = new AbortController()
  let refused: { error: unknown } | null = null
  const hand = async (chunk: Buffer, at?: Date): Promise<void> => {
    if (chunk.length === 0 || (at !== undefined && since !== null && at < since)) return
    await sink.write(chunk, at)
  }
  const withoutMarker = createMarkerFilter(markerOf(id.name))
  let isBegun = false
  const trying = async (work: () => Promise<void>): Promise<boolean> => {
    try {
      if (refused === null) await work()
    } catch (error) {
      refused = { error }
    }
    return refused === null
  }
  void watched.ended.then(
    () => ended.abort(),
    (error: unknown) => over.abort(error),
  )
  const tellGap = () => (sink.missed === undefined ? hand(Buffer.from(gapNotice)) : sink.missed())
  const missed = async (): Promise<void> => void (await trying(tellGap))
  const isWhole = await followLog(
    deps,
    {
      pod: pod.metadata.name,
      ended: ended.signal,
      missed,
      take: ({ chunk, time }) =>
        trying(async () => {
          isBegun = true
          const at = new Date(time)
          const { rest, isWanting } = withoutMarker(chunk)
          if (isWanting) await tellGap()
          await hand(rest, at)
        }),
    },
    AbortSignal.any([signal, over.signal]),
  )
  if (refused !== null) throw (refused as { error: unknown }).error
  // Without the first line of ours, nothing was left of it.
  if (!isWhole || !isBegun) await tellGap()
}

/** Takes the first line of a log away; `isWanting` once, where the log does not begin with it. */
function createMarkerFilter(marker: string) {
  const line = Buffer.from(`${marker}\n`)
  let head: Buffer | null = Buffer.alloc(0)
  return (chunk: Buffer): { rest: Buffer; isWanting: boolean } => {
    if (head === null) return { rest: chunk, isWanting: false }
    head = Buffer.concat([head, chunk])
    const end = head.indexOf(newline)
    if (end < 0 && head.length < line.length) return { rest: Buffer.alloc(0), isWanting: false }
    const isThere = head.subarray(0, line.length).equals(line)
    const rest = isThere ? head.subarray(line.length) : head
    head = null
    return { rest, isWanting: !isThere }
  }
}

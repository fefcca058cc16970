import type { SlipwayEvent } from '@slipway/contract/events'
import type { Principal } from '../../ports/identity.ts'
import { hasEnded } from '../delegation-states.ts'
import type { HookDeps, HookListener } from './deps.ts'
import { asRunning, findHooked, type RunningJob } from './find-hooked.ts'

const types = { exact: ['runner.job.updated'], prefixes: [] }

/** Waits for the container of a job; a `resource_conflict` says how the job ended instead. */
export async function waitUntilRunning(
  deps: Pick<HookDeps, 'db' | 'feed' | 'owner'>,
  input: { principal: Principal; id: string; listener: HookListener },
  signal: AbortSignal,
): Promise<RunningJob> {
  // Read before the job: what becomes of it is then either seen there or announced behind it.
  const after = await deps.feed.lastSeq()
  let said = ''
  const look = async () => {
    const { row, run } = await findHooked(deps, input)
    if (row.status === 'running' || hasEnded(row.status)) return asRunning(deps, row, run)
    const why = row.reason === null ? '' : `: ${row.reason}`
    const text = `The job is ${row.status}${why}`
    if (text !== said) await input.listener.say(text)
    said = text
    return { repository: row.repository, containerId: null }
  }
  let job = await look()
  if (job.containerId !== null) return job
  const ended = new AbortController()
  const until = AbortSignal.any([signal, ended.signal])
  const filter = { types, repository: job.repository, visibleRepositories: null }
  try {
    for await (const { json } of deps.feed.follow({ after, filter }, until)) {
      const { data } = JSON.parse(json) as Extract<
        SlipwayEvent,
        { event_type: 'runner.job.updated' }
      >
      if (data.delegation_id !== input.id) continue
      job = await look()
      if (job.containerId !== null) return job
    }
  } finally {
    ended.abort()
  }
  signal.throwIfAborted()
  throw new Error('the feed of events ended before its reader')
}

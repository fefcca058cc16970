import { type Duty } from '../duties/index.ts'
import { type EventConsumerDeps, type StoredEvent, startEventConsumer } from '../events/index.ts'
import { type IndexLogsDeps, indexLogs } from './index-logs.ts'
import { indexRelease, indexRun } from './index-metadata.ts'

/** Keeps what search looks through up to date: runs and releases as they change, logs when their run ends. */
export function startIndexing(deps: EventConsumerDeps & IndexLogsDeps): Duty {
  return startEventConsumer(deps, {
    name: 'search',
    types: { exact: [], prefixes: ['pipeline.run.', 'release.'] },
    handle: (event, signal) => index(deps, event, signal),
  })
}

async function index(deps: IndexLogsDeps, event: StoredEvent, signal: AbortSignal): Promise<void> {
  if (event.type.startsWith('release.')) {
    const { data } = JSON.parse(event.json) as { data: { release_id: string } }
    await indexRelease(deps, { releaseId: data.release_id })
    return
  }
  const { runId } = event
  if (runId === null) return
  await indexRun(deps, { runId })
  if (event.type === 'pipeline.run.completed' || event.type === 'pipeline.run.cancelled') {
    await indexLogs(deps, { runId, signal })
  }
}

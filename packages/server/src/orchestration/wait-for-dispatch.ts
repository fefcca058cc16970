import type { Principal } from '../ports/identity.ts'
import type { OrchestrationDeps } from './deps.ts'
import { judgeStage } from './judge-stage.ts'
import { type DispatchRow, readDispatchRow } from './read-dispatch.ts'

/** What may end a stage. */
const types = {
  exact: ['pipeline.phase.updated'],
  prefixes: ['pipeline.run.'],
}

/**
 * Waits until a stage has ended, on whichever server, and answers how it stands: as it is then, or when
 * `signal` aborts.
 */
export async function waitForDispatch(
  deps: Pick<OrchestrationDeps, 'db' | 'feed'>,
  input: { principal: Principal; runId: string; id: string },
  signal: AbortSignal,
): Promise<DispatchRow> {
  // Taken before the first look: what ends the stage comes either before the look or behind this.
  const after = signal.aborted ? 0 : await deps.feed.lastSeq()
  let row = await readDispatchRow(deps, input)
  if (signal.aborted || hasEnded(row)) return row
  const filter = { types, runId: input.runId, visibleRepositories: null }
  for await (const _event of deps.feed.follow({ after, filter }, signal)) {
    row = await readDispatchRow(deps, input)
    if (hasEnded(row)) return row
  }
  return readDispatchRow(deps, input)
}

function hasEnded(row: DispatchRow): boolean {
  return judgeStage({ runStatus: row.run_status, succeeded: row.succeeded }) !== 'running'
}

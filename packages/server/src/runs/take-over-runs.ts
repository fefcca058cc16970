import { sql } from 'kysely'
import { transact } from '../db/unit-of-work.ts'
import { advance } from './apply-advance.ts'
import type { RunsDeps } from './deps.ts'
import { discoveryJob } from './discovery-job.ts'
import { lockRun } from './run-rows.ts'
import { isActive } from './run-states.ts'

/** Runs looked for at once. */
const batchSize = 100

/**
 * Has the server itself orchestrate the active runs that a workflow was to, for a server that is configured
 * so by now: nobody would submit or watch their workflows. Those that still wait for a stage find it going on.
 * Answers how many runs it was.
 */
export async function takeOverRuns(deps: RunsDeps, signal: AbortSignal): Promise<number> {
  let total = 0
  while (!signal.aborted) {
    const { rows } = await sql<{ id: string }>`
      select r.id from run_workflows w join runs r on r.id = w.run_id
      where w.state <> 'ended' and r.status in ('pending', 'running') and r.orchestrator <> 'server'
      limit ${batchSize}`.execute(deps.db)
    for (const { id } of rows) {
      if (signal.aborted) return total
      if (await takeOver(deps, id)) total += 1
    }
    if (rows.length < batchSize) break
  }
  return total
}

async function takeOver(deps: RunsDeps, runId: string): Promise<boolean> {
  return transact(deps, async (unit) => {
    const run = await lockRun(unit.trx, { run: runId })
    if (run === null || !isActive(run.status) || run.orchestrator === 'server') return false
    await unit.trx
      .updateTable('runs')
      .set({ orchestrator: 'server' })
      .where('id', '=', runId)
      .execute()
    await unit.trx
      .updateTable('run_workflows')
      .set({ state: 'ended', message: 'The server has taken over', updated_at: unit.now })
      .where('run_id', '=', runId)
      .execute()
    const discovery = await unit.trx
      .selectFrom('run_dispatches')
      .select('id')
      .where('run_id', '=', runId)
      .where('stage', '=', 'discovery')
      .executeTakeFirst()
    if (discovery === undefined) unit.enqueue(discoveryJob(run))
    else if (run.status === 'running') await advance(deps, unit, { ...run, orchestrator: 'server' })
    return true
  })
}

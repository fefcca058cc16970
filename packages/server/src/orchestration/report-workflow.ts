import type { ReportWorkflowRequest, ReportWorkflowResponse } from '@slipway/contract/dispatches'
import { sql } from 'kysely'
import { canSee } from '../access/index.ts'
import { AppError } from '../errors.ts'
import type { Principal } from '../ports/identity.ts'
import { endWithWorkflow } from '../runs/index.ts'
import type { OrchestrationDeps } from './deps.ts'
import { describeEnd } from './describe-end.ts'

/**
 * Takes from a workflow's exit handler how it ended. A run that has not ended then fails: nothing will release
 * what is left of it. Telling it again, or of a run that the server orchestrates, changes nothing.
 */
export async function reportWorkflow(
  deps: OrchestrationDeps,
  input: { principal: Principal; runId: string; report: ReportWorkflowRequest },
): Promise<ReportWorkflowResponse> {
  const { principal, runId, report } = input
  const { rows } = await sql<{ repository: string }>`
    select repository from runs where id = ${runId}::uuid`.execute(deps.db)
  const [run] = rows
  const notFound = new AppError('resource_not_found', `There is no run ${runId}`)
  if (run === undefined || !canSee(principal, run.repository)) throw notFound
  const { status, failures = [] } = report
  const message = describeEnd({ status, failures })
  const runStatus = await endWithWorkflow(deps, { runId, end: { status: 'failed', message } })
  if (runStatus === null) throw notFound
  return { run_id: runId, run_status: runStatus }
}

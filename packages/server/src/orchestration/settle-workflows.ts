import type { Log } from '../db/log.ts'
import {
  type ObservedWorkflow,
  type Orchestrator,
  OrchestratorError,
} from '../ports/orchestrator.ts'
import { endWithWorkflow } from '../runs/index.ts'
import { decideWorkflow, type WorkflowDecision } from './decide-workflow.ts'
import type { OrchestrationDeps } from './deps.ts'
import type { SeenWorkflows } from './seen-workflows.ts'
import {
  noteFailure,
  noteMessage,
  noteSettled,
  noteSubmitted,
  readOpenWorkflows,
  type WorkflowRow,
} from './workflow-rows.ts'

export interface SettleDeps extends OrchestrationDeps {
  orchestrator: Orchestrator
  log: Log
}

const batchSize = 200
const firstPauseMs = 1_000
const longestPauseMs = 60_000
/** Milliseconds for one question or order. */
const callMs = 15_000

/**
 * Does what is to be done about every run's workflow. Where the orchestrator is away, all that needs it waits,
 * and says so; answers then why, else null.
 */
export async function settleWorkflows(
  deps: SettleDeps,
  seen: SeenWorkflows,
  signal: AbortSignal,
): Promise<string | null> {
  let away: string | null = null
  for (let after = '00000000-0000-0000-0000-000000000000'; ;) {
    const rows = await readOpenWorkflows(deps.db, { after, limit: batchSize })
    for (const row of rows) {
      if (signal.aborted) return away
      if (away !== null) await noteAway(deps, row, away)
      else away = await settle(deps, row, seen, signal)
    }
    const last = rows.at(-1)
    if (last === undefined || rows.length < batchSize) return away
    after = last.runId
  }
}

/** Answers why the orchestrator is away, where it is. */
async function settle(
  deps: SettleDeps,
  row: WorkflowRow,
  seen: SeenWorkflows,
  signal: AbortSignal,
): Promise<string | null> {
  const call = AbortSignal.any([signal, AbortSignal.timeout(callMs)])
  try {
    const told = seen.get(row.name)
    let decision = decide(row, told, false)
    if (decision.kind === 'look') {
      const found = await deps.orchestrator.find(row.name, call)
      decision = decide(row, found ?? 'absent', true)
    }
    await carryOut(deps, row, decision, call)
    if (decision.kind === 'nothing' && typeof told === 'object') {
      await noteMessage(deps.db, row, told.message)
    }
    return null
  } catch (error) {
    if (signal.aborted) return null
    const { message, reason } = asProblem(error, call)
    deps.log.warn({ err: error, run_id: row.runId }, 'a workflow could not be looked after')
    const againMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(row.failures, 10))
    // Rejects where it is the database that fails; else one run keeps none of the others waiting.
    await noteFailure(deps.db, row, { message, againMs })
    return reason === 'away' ? message : null
  }
}

function decide(
  row: WorkflowRow,
  seen: ObservedWorkflow | 'absent' | 'unknown',
  isFresh: boolean,
): WorkflowDecision {
  return decideWorkflow({
    run: { status: row.runStatus, endedForMs: row.endedForMs },
    kept: { state: row.state, uid: row.uid, isDue: row.isDue },
    seen,
    isFresh,
  })
}

async function carryOut(
  deps: SettleDeps,
  row: WorkflowRow,
  decision: WorkflowDecision,
  signal: AbortSignal,
): Promise<void> {
  const { db, orchestrator } = deps
  switch (decision.kind) {
    case 'nothing':
    case 'look':
      return
    case 'submit': {
      const { uid } = await orchestrator.submit(row, signal)
      return noteSubmitted(db, row, uid)
    }
    case 'adopt':
      return noteSubmitted(db, row, decision.uid)
    case 'end run': {
      const { runId } = row
      deps.log.info({ run_id: runId, end: decision.end }, 'a run ends with its workflow')
      await endWithWorkflow(deps, { runId, end: decision.end })
      return
    }
    case 'terminate':
      return orchestrator.terminate({ name: row.name, uid: decision.uid }, signal)
    case 'settle':
      return noteSettled(db, row, decision.message)
  }
}

function asProblem(
  error: unknown,
  call: AbortSignal,
): { message: string; reason: OrchestratorError['reason'] | 'unexpected' } {
  if (error instanceof OrchestratorError) return error
  if (call.aborted) return { message: `No answer within ${callMs / 1000} s`, reason: 'away' }
  return {
    message: 'It could not be looked after: the log of the server says why',
    reason: 'unexpected',
  }
}

/** What waits to be submitted says why. */
async function noteAway(deps: SettleDeps, row: WorkflowRow, message: string): Promise<void> {
  if (row.state === 'waiting') await noteMessage(deps.db, row, message)
}

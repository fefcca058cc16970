import { sql } from 'kysely'
import { correlate, underOrigin } from '../correlation.ts'
import type { Reconciler } from '../ports/reconciler.ts'
import { activateDeployment } from './activate-deployment.ts'
import type { DeploymentRow } from './deployment-rows.ts'
import type { DeploymentsDeps } from './deps.ts'
import { failDeployment } from './fail-deployment.ts'

/** Milliseconds. */
export interface ReconcileTimes {
  /** From the commit until a deployment that is not reconciled is said to have failed. */
  timeoutMs: number
  /** Pauses between two questions about one deployment, the first and the longest. */
  firstPauseMs: number
  longestPauseMs: number
  /** For one answer. */
  checkMs: number
}

/** Deployments that are asked about at once, and looked at in one round. */
const atOnce = 4
const perRound = 200

/**
 * Asks about everything that is pending, as often as its pause says: what is reconciled becomes
 * active, what is not in time is said to have failed, and is asked about on. Answers in how many
 * milliseconds something is due. Without a reconciler, only time passes.
 */
export function createReconciliation(
  deps: DeploymentsDeps & { reconciler: Reconciler | null },
  times: ReconcileTimes,
): (signal: AbortSignal) => Promise<number> {
  /** By deployment: when it is asked about next (monotonic), and after which pause once more. */
  const plans = new Map<string, { dueAt: number; pauseMs: number }>()

  async function lookAt(row: DeploymentRow, signal: AbortSignal): Promise<void> {
    const answer = await ask(row, signal)
    if (signal.aborted) return
    if (answer === null) {
      plans.delete(row.id)
      await ofIts(row, () => activateDeployment(deps, { id: row.id }))
      return
    }
    const since = row.deployed_at ?? row.created_at
    if (row.failed_at === null && Date.now() - since.getTime() >= times.timeoutMs) {
      const reason = `Not reconciled within ${formatTime(times.timeoutMs)}. ${answer}`
      await ofIts(row, () => failDeployment(deps, { id: row.id, reason }))
    } else if (row.failed_at === null && row.reason !== answer) {
      await setReason(deps, { id: row.id, reason: answer })
    }
    askLater(row.id)
  }

  /** What is told of it belongs to what caused it. */
  function ofIts<T>(row: DeploymentRow, work: () => T): T {
    return underOrigin(row.origin, () => correlate({ deployment_id: row.id }, work))
  }

  function askLater(id: string): void {
    const pauseMs = plans.get(id)?.pauseMs ?? times.firstPauseMs
    plans.set(id, {
      dueAt: performance.now() + pauseMs,
      pauseMs: Math.min(pauseMs * 2, times.longestPauseMs),
    })
  }

  /** Null: it is reconciled; else why not. */
  async function ask(row: DeploymentRow, signal: AbortSignal): Promise<string | null> {
    if (deps.reconciler === null) return 'Nobody has reported that it is active.'
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(times.checkMs)])
    const answer = await deps.reconciler.check(
      {
        id: row.id,
        environment: row.environment,
        repository: row.repository,
        project: row.project,
        gitopsCommitSha: row.gitops_commit_sha ?? '',
      },
      deadline,
    )
    return answer.reconciled ? null : `${storable(answer.reason)}.`
  }

  return async (signal) => {
    const pending = await deps.db
      .selectFrom('deployments')
      .selectAll()
      .where('status', '=', 'pending')
      .orderBy(sql`failed_at is not null`)
      .orderBy('created_at')
      .limit(perRound)
      .execute()
    const ids = new Set(pending.map(({ id }) => id))
    for (const id of plans.keys()) if (!ids.has(id)) plans.delete(id)
    const due = pending.filter(({ id }) => (plans.get(id)?.dueAt ?? 0) <= performance.now())
    const queue = due.values()
    const failures: { deployment: string; err: unknown }[] = []
    const work = async () => {
      for (const row of queue) {
        if (signal.aborted) return
        try {
          await lookAt(row, signal)
        } catch (error) {
          failures.push({ deployment: row.id, err: error })
          askLater(row.id)
        }
      }
    }
    await Promise.all(Array.from({ length: atOnce }, work))
    const [failure] = failures
    if (failure !== undefined) {
      deps.log.warn({ ...failure, all: failures.length }, 'deployments could not be looked at')
    }
    const next = Math.min(...[...plans.values()].map(({ dueAt }) => dueAt))
    return Math.max(0, next - performance.now())
  }
}

/** What others wrote, without what PostgreSQL stores of no text. */
function storable(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8').replaceAll('\0', '\uFFFD')
}

async function setReason(
  deps: DeploymentsDeps,
  input: { id: string; reason: string },
): Promise<void> {
  await deps.db
    .updateTable('deployments')
    .set({ reason: input.reason })
    .where('id', '=', input.id)
    .where('status', '=', 'pending')
    .where('failed_at', 'is', null)
    .execute()
}

function formatTime(ms: number): string {
  const seconds = Math.round(ms / 1000)
  return seconds >= 120 && seconds % 60 === 0 ? `${seconds / 60} minutes` : `${seconds} seconds`
}

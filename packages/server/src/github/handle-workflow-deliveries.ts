import { sql } from 'kysely'
import { setTimeout as sleep } from 'node:timers/promises'
import { transact } from '../db/unit-of-work.ts'
import { type Duty, type DutyDeps, startDuty } from '../duties/index.ts'
import { type WorkflowDeliveries, type WorkflowDelivery, workflowEvents } from '../monitor/index.ts'
import type { GithubDeps } from './deps.ts'
import { groupDeliveries } from './group-deliveries.ts'
import { judge, settle, type Tried } from './handle-delivery.ts'

interface DueWorkflowDelivery extends Tried {
  repository: string
  wanted: WorkflowDelivery
}

type HandlingDeps = GithubDeps & DutyDeps & { workflows: WorkflowDeliveries }

/** Longest time between two looks: another server may have taken a delivery. */
const pollMs = 2_000
const batchSize = 1_000
/** Repositories that are stored into at once. */
const atOnce = 4
/** Deliveries of one batch from which on many come at once. */
const many = 20
const longestRestMs = 1_000

/**
 * Hands on what deliveries say of workflows: of each repository all that has come, in one transaction, in
 * the order in which it came. What starts runs of ours has a turn of its own, so neither waits for the other.
 */
export function startHandlingWorkflows(deps: HandlingDeps): Duty {
  let restUntil = 0
  return startDuty(deps, {
    name: 'github workflow deliveries',
    everyMs: pollMs,
    async run(signal) {
      const leftMs = restUntil - performance.now()
      if (leftMs > 0) await sleep(leftMs, undefined, { signal })
      const begunAt = performance.now()
      const { count, nextMs } = await handleDue(deps, signal)
      // Taking deliveries goes before storing what they say: of many that come at once the more share a
      // transaction.
      const restMs = count < many ? 0 : Math.min(longestRestMs, 2 * (performance.now() - begunAt))
      restUntil = performance.now() + restMs
      return nextMs
    },
  })
}

async function handleDue(
  deps: HandlingDeps,
  signal: AbortSignal,
): Promise<{ count: number; nextMs: number }> {
  const due = await findDue(deps)
  let isHeld = false
  const queue = groupDeliveries(due).values()
  const work = async () => {
    for (const group of queue) {
      if (signal.aborted) return
      isHeld = !(await handleGroup(deps, group, signal)) || isHeld
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return { count: due.length, nextMs: due.length === batchSize && !isHeld ? 0 : pollMs }
}

/** The oldest that are due, but none behind one of its repository that waits to be tried again. */
async function findDue({ db }: HandlingDeps): Promise<DueWorkflowDelivery[]> {
  const { rows } = await sql<DueWorkflowDelivery>`
    with held as materialized (
      select repository, min(number) as number from github_deliveries
      where status = 'pending' and event = any(${workflowEvents}::text[]) and next_attempt_at > now()
      group by repository
    )
    select d.number, d.repository, d.wanted, d.attempt, d.received_at as "receivedAt"
    from github_deliveries d left join held on held.repository = d.repository
    where d.status = 'pending' and d.event = any(${workflowEvents}::text[])
      and d.next_attempt_at <= now() and (held.number is null or d.number < held.number)
    order by d.number limit ${batchSize}`.execute(db)
  return rows
}

/** Answers whether what comes behind them may follow. */
async function handleGroup(
  deps: HandlingDeps,
  group: readonly DueWorkflowDelivery[],
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await take(deps, group)
    return true
  } catch (error) {
    if (signal.aborted) throw error
    if (group.length > 1) return handleOneByOne(deps, group, signal)
    const [delivery] = group
    if (delivery === undefined) return true
    const outcome = judge(error, delivery)
    await settle(deps.db, delivery, outcome)
    return outcome.status !== 'again'
  }
}

/** One that cannot be stored keeps none of the others from it. */
async function handleOneByOne(
  deps: HandlingDeps,
  group: readonly DueWorkflowDelivery[],
  signal: AbortSignal,
): Promise<boolean> {
  for (const delivery of group) {
    if (!(await handleGroup(deps, [delivery], signal))) return false
  }
  return true
}

async function take(deps: HandlingDeps, group: readonly DueWorkflowDelivery[]): Promise<void> {
  await transact(deps, async (unit) => {
    const note = await deps.workflows.take(unit, group)
    // The commit does not wait for the disk: what a crash took of it is pending again and done anew, and
    // nobody is told before the commit of the events' numbers, which waits for this one's bytes too.
    const result = await sql`
      update github_deliveries
      set status = ${note === null ? 'done' : 'ignored'}, note = ${note}, attempt = attempt + 1, next_attempt_at = null
      where number = any(${group.map(({ number }) => number)}::bigint[]) and status = 'pending'
      returning set_config('synchronous_commit', 'off', true)`.execute(unit.trx)
    // Another server had the duty meanwhile: what this one did goes back with its transaction.
    if (result.rows.length !== group.length) {
      throw new Error('some deliveries were handled already')
    }
  })
}

import { setTimeout as pause } from 'node:timers/promises'
import { type Duty, startDuty } from '../duties/index.ts'
import type { WorkflowsFollower } from '../ports/orchestrator.ts'
import { createBell, type Bell } from './ring-bell.ts'
import { createSeenWorkflows, type SeenWorkflows } from './seen-workflows.ts'
import { type SettleDeps, settleWorkflows } from './settle-workflows.ts'

export interface StartOrchestrationDeps extends SettleDeps {
  /** Id of this process's worker. */
  holder: string
}

/** All is looked at again after so many milliseconds, whether or not anybody has told of a change. */
const sweepMs = 5_000
/** Between two looks, however much is told. */
const restMs = 100
const firstPauseMs = 500
const longestPauseMs = 15_000

/** What may ask for a workflow, or for the end of one. */
const runTypes = { exact: [], prefixes: ['pipeline.run.'] }

/**
 * Sees to it that each run has its workflow, and each workflow its run: submits, watches and terminates them,
 * and ends runs whose workflows have ended before them. One server at a time does.
 */
export function startOrchestration(deps: StartOrchestrationDeps): Duty {
  return startDuty(deps, {
    name: 'workflows of runs',
    everyMs: 1_000,
    run: (signal) => keepWorkflows(deps, signal),
  })
}

async function keepWorkflows(deps: SettleDeps, signal: AbortSignal): Promise<void> {
  const seen = createSeenWorkflows()
  const bell = createBell()
  const ending = new AbortController()
  const until = AbortSignal.any([signal, ending.signal])
  const following = [followWorkflows(deps, { seen, bell }, until), followRuns(deps, bell, until)]
  try {
    for (let failures = 0; !until.aborted;) {
      const away = await settleWorkflows(deps, seen, until)
      failures = away === null ? 0 : failures + 1
      await rest(away === null ? restMs : backOff(failures), until)
      await bell.wait(sweepMs, until)
    }
  } finally {
    ending.abort()
    await Promise.all(following)
  }
}

function followWorkflows(
  { orchestrator, log }: SettleDeps,
  { seen, bell }: { seen: SeenWorkflows; bell: Bell },
  signal: AbortSignal,
): Promise<void> {
  const follower: WorkflowsFollower = {
    changed(workflow) {
      seen.changed(workflow)
      bell.ring()
    },
    gone(workflow) {
      seen.gone(workflow)
      bell.ring()
    },
    listed() {
      seen.listed()
      bell.ring()
    },
    failed: (error) => log.warn({ err: error }, 'workflows cannot be watched'),
  }
  return orchestrator.follow(follower, signal)
}

async function followRuns(
  { feed, log }: SettleDeps,
  bell: Bell,
  signal: AbortSignal,
): Promise<void> {
  const filter = { types: runTypes, visibleRepositories: null }
  for (let failures = 1; !signal.aborted; failures += 1) {
    try {
      for await (const _event of feed.follow({ filter }, signal)) {
        failures = 0
        bell.ring()
      }
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error }, 'runs cannot be followed')
    }
    await rest(backOff(failures), signal)
  }
}

function backOff(failures: number): number {
  return Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(failures, 10))
}

async function rest(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, undefined, { signal }).catch(() => undefined)
}

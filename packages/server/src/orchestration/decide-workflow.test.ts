import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ObservedWorkflow } from '../ports/orchestrator.ts'
import { decideWorkflow, type WorkflowDecision, type WorkflowFacts } from './decide-workflow.ts'

const workflow = (over: Partial<ObservedWorkflow> = {}): ObservedWorkflow => ({
  name: 'slipway-run-1',
  runId: '1',
  uid: 'a',
  state: 'running',
  stopping: false,
  message: null,
  failures: [],
  ...over,
})

const facts = (over: {
  status?: WorkflowFacts['run']['status']
  endedForMs?: number
  kept?: Partial<WorkflowFacts['kept']>
  seen?: WorkflowFacts['seen']
  isFresh?: boolean
}): WorkflowFacts => ({
  run: { status: over.status ?? 'pending', endedForMs: over.endedForMs ?? 0 },
  kept: { state: 'running', uid: 'a', isDue: true, ...over.kept },
  seen: over.seen ?? 'unknown',
  isFresh: over.isFresh ?? false,
})
const waiting = { state: 'waiting', uid: null } as const

describe('decideWorkflow', () => {
  it.each<[string, Parameters<typeof facts>[0], Partial<WorkflowDecision>]>([
    ['submits what waits', { kept: waiting, seen: 'absent' }, { kind: 'submit' }],
    ['submits without knowing what there is', { kept: waiting }, { kind: 'submit' }],
    ['pauses between two tries', { kept: { ...waiting, isDue: false } }, { kind: 'nothing' }],
    ['adopts what is there', { kept: waiting, seen: workflow() }, { kind: 'adopt', uid: 'a' }],
    ['looks twice before it believes that it is gone', { seen: 'absent' }, { kind: 'look' }],
    ['lets a running one run', { seen: workflow() }, { kind: 'nothing' }],
    [
      'terminates the one of a cancelled run',
      { status: 'cancelled', seen: workflow() },
      { kind: 'terminate', uid: 'a' },
    ],
    [
      'terminates once',
      { status: 'cancelled', seen: workflow({ stopping: true }) },
      { kind: 'nothing' },
    ],
    ['lets that of a failed run end', { status: 'failed', seen: workflow() }, { kind: 'nothing' }],
    [
      'but not for ever',
      { status: 'failed', endedForMs: 600_001, seen: workflow() },
      { kind: 'terminate' },
    ],
    [
      'is done with one that has ended with its run',
      { status: 'success', seen: workflow({ state: 'succeeded' }) },
      { kind: 'settle', message: null },
    ],
    [
      'does not touch what somebody put in its place',
      { status: 'cancelled', seen: workflow({ uid: 'b' }), isFresh: true },
      { kind: 'settle' },
    ],
    [
      'looks for what may have been submitted before the run was cancelled',
      { status: 'cancelled', kept: waiting, seen: 'absent' },
      { kind: 'look' },
    ],
    ['waits until something is known', { status: 'cancelled', kept: waiting }, { kind: 'nothing' }],
  ])('%s', (_what, over, expected) => {
    expect(decideWorkflow(facts(over))).toMatchObject(expected)
  })

  it.each<[string, WorkflowFacts['seen'], object]>([
    ['deleted', 'absent', { status: 'cancelled', by: 'Argo Workflows' }],
    ['replaced', workflow({ uid: 'b' }), { status: 'cancelled' }],
    ['stopped', workflow({ stopping: true }), { status: 'cancelled', by: 'Argo Workflows' }],
    [
      'failed',
      workflow({ state: 'failed', failures: [{ step: 'dispatch', message: 'exit code 124' }] }),
      { status: 'failed', message: 'The workflow ended as Failed: dispatch: exit code 124' },
    ],
    [
      'in error',
      workflow({ state: 'error', message: 'no template' }),
      { status: 'failed', message: 'The workflow ended as Error: no template' },
    ],
    [
      'successful, and has left something out',
      workflow({ state: 'succeeded' }),
      { status: 'failed', message: 'The workflow ended before its run had' },
    ],
  ])('ends the run of a workflow that is %s', (_what, seen, end) => {
    const decision = decideWorkflow(facts({ status: 'running', seen, isFresh: true }))
    expect(decision).toMatchObject({ kind: 'end run', end })
  })
})

/** What is in the cluster and in the database, and what may happen to it from outside. */
interface World {
  status: WorkflowFacts['run']['status']
  kept: { state: 'waiting' | 'running' | 'ended'; uid: string | null }
  there: ObservedWorkflow | null
  made: number
  terminatedByUs: number
}

const happenings = [
  'run succeeds',
  'run fails',
  'run is cancelled',
  'is deleted',
  'is terminated',
  'fails',
  'succeeds',
  'is replaced',
  'answer is lost',
  'look',
] as const

function happen(world: World, what: (typeof happenings)[number]): void {
  const { there } = world
  const isActive = world.status === 'running'
  if (what === 'run succeeds' && isActive) world.status = 'success'
  if (what === 'run fails' && isActive) world.status = 'failed'
  if (what === 'run is cancelled' && isActive) world.status = 'cancelled'
  if (what === 'is deleted') world.there = null
  if (there === null || there.state !== 'running') return
  if (what === 'is terminated') world.there = { ...there, stopping: true }
  if (what === 'fails') world.there = { ...there, state: 'failed' }
  if (what === 'succeeds') world.there = { ...there, state: 'succeeded' }
  if (what === 'is replaced') world.there = workflow({ uid: `other ${world.made}` })
}

/** Carries one decision out; answers whether there was anything to be done. */
function act(world: World, isFresh: boolean, loseAnswer: boolean): boolean {
  if (world.kept.state === 'ended') return false
  const decision = decideWorkflow({
    run: { status: world.status, endedForMs: 0 },
    kept: { ...world.kept, state: world.kept.state, isDue: true },
    seen: world.there ?? 'absent',
    isFresh,
  })
  switch (decision.kind) {
    case 'nothing':
      return false
    case 'look':
      expect(isFresh, 'a look is believed').toBe(false)
      return act(world, true, loseAnswer)
    case 'submit':
      expect(world.status).toBe('running')
      if (world.there === null) {
        world.made += 1
        world.there = workflow({ uid: `ours ${world.made}` })
      }
      if (!loseAnswer) world.kept = { state: 'running', uid: world.there.uid }
      return true
    case 'adopt':
      world.kept = { state: 'running', uid: decision.uid }
      return true
    case 'end run':
      expect(world.status).toBe('running')
      world.status = decision.end.status
      return true
    case 'terminate':
      expect(world.status).not.toBe('running')
      expect(world.there?.uid).toBe(decision.uid)
      if (world.there !== null) world.there = { ...world.there, stopping: true }
      world.terminatedByUs += 1
      return true
    case 'settle':
      expect(world.status).not.toBe('running')
      world.kept = { ...world.kept, state: 'ended' }
      return true
  }
}

describe('whatever happens to run and workflow', () => {
  it('both come to one end, and nobody else’s workflow is touched', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...happenings), { maxLength: 25 }), (story) => {
        const world: World = {
          status: 'running',
          kept: { state: 'waiting', uid: null },
          there: null,
          made: 0,
          terminatedByUs: 0,
        }
        for (const what of story) {
          if (what === 'answer is lost') act(world, false, true)
          else if (what === 'look') act(world, false, false)
          else happen(world, what)
          const before = world.status
          act(world, false, false)
          if (before !== 'running') expect(world.status, 'an end is an end').toBe(before)
        }
        for (let step = 0; act(world, false, false); step += 1) {
          expect(step, 'there is an end of things to be done').toBeLessThan(10)
        }
        if (world.status === 'running') {
          // It goes on, and is submitted.
          expect(world.there).toMatchObject({ state: 'running', stopping: false })
          expect(world.kept).toEqual({ state: 'running', uid: world.there?.uid })
        }
        if (world.status === 'cancelled' && world.there?.uid === world.kept.uid) {
          const isOver = world.there === null || world.there.stopping
          expect(isOver || world.kept.state === 'ended').toBe(true)
        }
        expect(world.terminatedByUs).toBeLessThanOrEqual(1)
        // The workflow's own end comes, and with it the end of all work on it.
        happen(world, 'run fails')
        if (world.there?.state === 'running') happen(world, 'fails')
        for (let step = 0; act(world, false, false); step += 1) expect(step).toBeLessThan(10)
        expect(world.kept.state).toBe('ended')
      }),
    )
  })
})

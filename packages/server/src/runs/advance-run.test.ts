import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type PhaseSnapshot,
  type RunSnapshot,
  type TaskSnapshot,
  advanceRun,
  endRun,
} from './advance-run.ts'
import { phaseTransitions, runTransitions } from './run-states.ts'

type Writable<T> = { -readonly [K in keyof T]: T[K] }
type Task = Writable<TaskSnapshot>
type Phase = Writable<Omit<PhaseSnapshot, 'tasks'>> & { tasks: Task[] }
type Run = { status: RunSnapshot['status']; phases: Phase[]; released?: number }

function run(groups: readonly (readonly number[])[]): Run {
  let count = 0
  const phases = groups.flatMap((sizes, group) =>
    sizes.map((size) => {
      const phase = `p${count++}`
      const tasks = Array.from({ length: size }, (_, n) => ({
        id: `${phase}/t${n}`,
        project: `t${n}`,
        status: 'pending' as const,
        dispatched: false,
        error: null,
      }))
      return { id: phase, name: phase, group: group + 1, status: 'pending' as const, tasks }
    }),
  )
  return { status: 'pending', phases }
}

/** Does to the snapshot what the database would do, checking every transition. */
function apply(state: Run, decision: ReturnType<typeof advanceRun>): void {
  for (const change of decision.phases) {
    const phase = state.phases.find(({ id }) => id === change.id)
    if (phase === undefined) throw new Error(`no phase ${change.id}`)
    expect(phaseTransitions[phase.status]).toContain(change.status)
    phase.status = change.status
  }
  for (const task of tasks(state)) {
    if (decision.dispatch.includes(task.id)) task.dispatched = true
    if (decision.halt.includes(task.id)) task.status = 'failed'
  }
  if (decision.run !== null) {
    expect(runTransitions[state.status]).toContain(decision.run.status)
    state.status = decision.run.status
  }
}

const tasks = (state: Run) => state.phases.flatMap((phase) => phase.tasks)

const groupsOfPhases = fc.array(
  fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 3 }),
  { maxLength: 4 },
)

describe('advanceRun', () => {
  it('starts only the first group, and the next when the first has succeeded', () => {
    const state = run([[2, 1], [1]])
    const first = advanceRun(state)
    expect(first.dispatch).toEqual(['p0/t0', 'p0/t1', 'p1/t0'])
    expect(first.run).toEqual({ status: 'running' })
    apply(state, first)
    for (const task of tasks(state).slice(0, 3)) task.status = 'success'
    const second = advanceRun(state)
    expect(second.phases).toEqual([
      { id: 'p0', status: 'success' },
      { id: 'p1', status: 'success' },
    ])
    expect(second.dispatch).toEqual(['p2/t0'])
  })

  it('fails the run with the first failed task, stops what runs and skips what has not begun', () => {
    const state = run([[2], [1]])
    apply(state, advanceRun(state))
    const [failed, running] = tasks(state)
    if (failed === undefined || running === undefined) throw new Error('two tasks')
    Object.assign(failed, { status: 'failed', error: 'step test exited with 1' })
    running.status = 'running'
    const decision = advanceRun(state)
    expect(decision).toEqual({
      phases: [
        { id: 'p0', status: 'failed' },
        { id: 'p1', status: 'skipped' },
      ],
      dispatch: [],
      halt: ['p0/t1'],
      run: {
        status: 'failed',
        failedPhase: 'p0',
        message: 'Project t0 failed in phase p0: step test exited with 1',
      },
    })
  })

  it('succeeds at once where nobody takes part in anything', () => {
    const state = run([[0], [0]])
    const decision = advanceRun(state)
    expect(decision.phases.map(({ status }) => status)).toEqual(['skipped', 'skipped'])
    expect(decision.run).toMatchObject({ status: 'success' })
  })

  it('brings every run to one truthful end, whatever its tasks do and in whatever order', () => {
    fc.assert(
      fc.property(
        groupsOfPhases,
        fc.infiniteStream(
          fc.tuple(fc.nat(), fc.constantFrom('running', 'success', 'success', 'failed')),
        ),
        (groups, choices) => {
          const state = run(groups)
          apply(state, advanceRun(state))
          for (const [pick, status] of choices) {
            if (state.status !== 'running') break
            const open = tasks(state).filter(
              (task) => task.dispatched && ['pending', 'running'].includes(task.status),
            )
            const task = open[pick % open.length]
            if (task === undefined) throw new Error('a running run with nothing left to do')
            task.status = status as Task['status']
            const decision = advanceRun(state)
            apply(state, decision)
            expect(advanceRun(state), 'asking twice decides nothing new').toMatchObject({
              phases: [],
              dispatch: [],
              run: null,
            })
          }
          const all = tasks(state)
          const failed = all.some((entry) => entry.status === 'failed')
          expect(state.status).toBe(failed ? 'failed' : 'success')
          expect(all.some((entry) => entry.status === 'running')).toBe(false)
          for (const phase of state.phases) {
            expect(['success', 'failed', 'skipped']).toContain(phase.status)
            if (phase.status === 'skipped') {
              expect(phase.tasks.every((entry) => entry.status === 'pending')).toBe(true)
            }
            if (phase.status === 'success') {
              expect(phase.tasks.every((entry) => entry.status === 'success')).toBe(true)
            }
            const begun = phase.tasks.some((entry) => entry.dispatched)
            const earlier = state.phases.filter((other) => other.group < phase.group)
            if (begun) {
              expect(earlier.every(({ status }) => ['success', 'skipped'].includes(status))).toBe(
                true,
              )
            }
          }
        },
      ),
    )
  })
})

describe('advanceRun, of a run whose groups are released', () => {
  it('begins nothing before it is released, and each group when its turn has come, too', () => {
    const state = { ...run([[1], [1]]), released: 0 }
    const first = advanceRun(state)
    expect(first).toMatchObject({ dispatch: [], run: { status: 'running' } })
    apply(state, first)
    state.released = 2
    const second = advanceRun(state)
    expect(second.dispatch).toEqual(['p0/t0'])
    apply(state, second)
    tasks(state)[0]!.status = 'success'
    expect(advanceRun(state).dispatch).toEqual(['p1/t0'])
  })

  it('ends without a release where nobody takes part in anything', () => {
    expect(advanceRun({ ...run([[0]]), released: 0 }).run).toMatchObject({ status: 'success' })
  })

  it('begins what it would without releases, nothing above them, and comes to the same end', () => {
    const moves = fc.array(
      fc.oneof(
        fc.record({ release: fc.integer({ min: 1, max: 5 }) }),
        fc.record({ pick: fc.nat(), to: fc.constantFrom('running', 'success', 'failed') }),
      ),
      { maxLength: 40 },
    )
    fc.assert(
      fc.property(groupsOfPhases, moves, (groups, steps) => {
        const state = { ...run(groups), released: 0 }
        const settle = () => {
          const decision = advanceRun(state)
          const { released: _, ...free } = state
          const ungated = advanceRun(free)
          expect({ ...decision, dispatch: [] }).toEqual({ ...ungated, dispatch: [] })
          const due = state.phases.filter(({ group }) => group <= state.released)
          const allowed = new Set(due.flatMap((phase) => phase.tasks.map(({ id }) => id)))
          expect(decision.dispatch).toEqual(ungated.dispatch.filter((id) => allowed.has(id)))
          apply(state, decision)
          expect(advanceRun(state)).toMatchObject({ phases: [], dispatch: [], run: null })
        }
        const open = () =>
          tasks(state).filter((t) => t.dispatched && ['pending', 'running'].includes(t.status))
        settle()
        for (const step of steps) {
          if (state.status !== 'running') break
          if ('release' in step) state.released = Math.max(state.released, step.release)
          else {
            const task = open()[step.pick % Math.max(1, open().length)]
            if (task !== undefined) task.status = step.to as Task['status']
          }
          settle()
        }
        // Whoever releases the rest, in order, brings it to its end.
        state.released = 9
        settle()
        while (state.status === 'running') {
          const [task] = open()
          if (task === undefined) throw new Error('a running run with nothing left to do')
          task.status = 'success'
          settle()
        }
        const failed = tasks(state).some(({ status }) => status === 'failed')
        expect(state.status).toBe(failed ? 'failed' : 'success')
      }),
    )
  })
})

describe('endRun', () => {
  const cancelled = { status: 'cancelled', by: 'alice', message: 'Cancelled by alice' } as const

  it('leaves what had not started pending under a skipped phase', () => {
    const state = run([[2], [1]])
    apply(state, advanceRun(state))
    const [first] = tasks(state)
    if (first !== undefined) first.status = 'running'
    apply(state, advanceRun(state))
    apply(state, endRun(state, cancelled))
    expect(state.status).toBe('cancelled')
    expect(state.phases.map(({ status }) => status)).toEqual(['failed', 'skipped'])
    expect(tasks(state).map(({ status }) => status)).toEqual(['failed', 'pending', 'pending'])
  })

  it('changes nothing of a run that has ended', () => {
    for (const status of ['success', 'failed', 'cancelled'] as const) {
      expect(endRun({ ...run([[1]]), status }, cancelled)).toEqual({
        phases: [],
        dispatch: [],
        halt: [],
        run: null,
      })
    }
  })
})

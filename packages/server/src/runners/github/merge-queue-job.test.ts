import fc from 'fast-check'
import { expect, it } from 'vitest'
import { queueStates } from '../../ports/github-runners.ts'
import { mergeQueueJob, type ToldJob } from './merge-queue-job.ts'

const queuedAt = new Date('2026-01-02T10:00:00.123Z')
const job = (more: Partial<ToldJob> = {}): ToldJob => ({
  id: 1,
  runId: 2,
  attempt: 1,
  name: 'build',
  state: 'queued',
  conclusion: null,
  queuedAt,
  runnerName: null,
  labels: ['self-hosted'],
  workflow: '',
  sha: '',
  branch: '',
  event: '',
  actor: '',
  ...more,
})
const all = (told: readonly ToldJob[]) => told.reduce<ToldJob | null>(mergeQueueJob, null)

it('only goes forward, and forgets nothing that was known before', () => {
  const done = job({ state: 'completed', conclusion: 'cancelled', workflow: 'CI' })
  const started = job({ state: 'in_progress', runnerName: 'box', event: 'push' })
  expect(all([done, job()])).toEqual(done)
  expect(all([started, done])).toEqual({ ...done, runnerName: 'box', event: 'push' })
  expect(all([done, started])).toEqual({ ...done, runnerName: 'box', event: 'push' })
  expect(mergeQueueJob(job({ state: 'waiting' }), job())).toEqual(job())
})

it('is the same in whatever order, and however often, it is told', () => {
  const told = fc.record({
    state: fc.constantFrom(...queueStates),
    seconds: fc.integer({ min: 0, max: 5 }),
  })
  fc.assert(
    fc.property(
      fc
        .array(told, { minLength: 1, maxLength: 6 })
        .chain((one) =>
          fc.tuple(
            fc.constant(one),
            fc.shuffledSubarray([...one, ...one], { minLength: one.length * 2 }),
          ),
        ),
      ([once, twice]) => {
        // What GitHub says of one state is one thing.
        const tell = ({ state, seconds }: (typeof once)[number]) =>
          job({
            state,
            queuedAt: new Date(queuedAt.getTime() + seconds * 1_000),
            conclusion: state === 'completed' ? 'success' : null,
            runnerName: state === 'in_progress' || state === 'completed' ? 'box' : null,
            ...(state === 'queued' ? {} : { workflow: 'CI' }),
          })
        expect(all(twice.map(tell))).toEqual(all(once.map(tell)))
      },
    ),
  )
})

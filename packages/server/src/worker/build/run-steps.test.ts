import { type BuildStepKey, buildSteps } from '@slipway/contract/builds'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runSteps } from './run-steps.ts'

const never = new AbortController().signal
const all = buildSteps.map(({ key }) => key)
const timeouts = Object.fromEntries(all.map((key) => [key, 60_000])) as Record<BuildStepKey, number>
const nameOf = (key: string) => buildSteps.find((step) => step.key === key)?.name

/** Runs steps of which `broken` fail; answers all that was said and done. */
async function attempt(steps: readonly BuildStepKey[], broken: ReadonlySet<string>) {
  const notes: string[] = []
  const reports: string[] = []
  const ran: string[] = []
  const failure = await runSteps(
    {
      steps,
      timeouts,
      note: async (line) => void notes.push(line),
      report: (step, status) => void reports.push(`${step} ${status}`),
      run: async (step) => {
        ran.push(step)
        if (broken.has(step)) throw new Error('broken')
      },
      explain: (error) => `why: ${(error as Error).message}`,
    },
    never,
  )
  return { notes, reports, ran, failure }
}

describe('runSteps', () => {
  it('runs steps in order until the first that fails, and says so', async () => {
    await fc.assert(
      fc.asyncProperty(fc.subarray(all, { minLength: 1 }), fc.subarray(all), async (steps, bad) => {
        const broken = new Set<string>(bad)
        const { notes, reports, ran, failure } = await attempt(steps, broken)
        const end = steps.findIndex((step) => broken.has(step))
        const done = end === -1 ? steps : steps.slice(0, end)
        const failed = end === -1 ? [] : [steps[end] ?? '']
        expect(ran).toEqual([...done, ...failed])
        expect(reports).toEqual([
          ...done.flatMap((step) => [`${step} running`, `${step} completed`]),
          ...failed.map((step) => `${step} running`),
        ])
        expect(notes).toEqual([
          'Starting pipeline execution...',
          ...done.flatMap((step) => [
            `Executing step: ${nameOf(step)}`,
            `✓ Step completed: ${nameOf(step)}`,
          ]),
          ...failed.flatMap((step) => [
            `Executing step: ${nameOf(step)}`,
            `✗ Step failed: ${nameOf(step)}: why: broken`,
          ]),
        ])
        const error = { reason: 'step_failed', error: 'why: broken' }
        expect(failure).toEqual(end === -1 ? null : error)
      }),
    )
  })

  it('begins nothing once it is stopped, and says why it was', async () => {
    const stop = new AbortController()
    const ran: string[] = []
    const stopped = runSteps(
      {
        steps: all,
        timeouts,
        note: async () => undefined,
        report: () => undefined,
        run: async (step) => {
          ran.push(step)
          stop.abort(new Error('taken away'))
        },
        explain: () => '',
      },
      stop.signal,
    )
    await expect(stopped).rejects.toThrow('taken away')
    expect(ran).toEqual(['clone_repo'])
  })
})

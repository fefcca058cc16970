import { describe, expect, it, vi } from 'vitest'
import { AppError } from '../errors.ts'
import type { WorkReport } from '../runs/index.ts'
import type { ControlPlane } from './control-plane.ts'
import { createProgressReporter } from './progress-reporter.ts'

const claim = { id: 'job', attempt: 1, workerId: 'worker' }

function recorder(answer: (report: WorkReport) => Promise<void>) {
  const reports: WorkReport[] = []
  const control: Pick<ControlPlane, 'reportWork'> = {
    reportWork: async ({ report }: { report: WorkReport }) => {
      reports.push(report)
      await answer(report)
    },
  }
  return { control, reports }
}

describe('createProgressReporter', () => {
  it('puts what happens during a report into one next report, the newest word on each step', async () => {
    let release = () => undefined as void
    const first = new Promise<void>((resolve) => (release = resolve))
    let calls = 0
    const { control, reports } = recorder(() => (calls++ === 0 ? first : Promise.resolve()))
    const reporter = createProgressReporter(
      control,
      { taskId: 't', claim, attempt: 2 },
      () => undefined,
    )
    reporter.step({ id: 'a', status: 'running' })
    await vi.waitFor(() => expect(reports).toHaveLength(1))
    reporter.step({ id: 'a', status: 'success', exitCode: 0 })
    reporter.step({ id: 'b', status: 'running' })
    reporter.step({ id: 'b', status: 'success', exitCode: 0 })
    const finished = reporter.finish({ status: 'success' })
    release()
    await finished
    expect(reports).toEqual([
      { attempt: 2, steps: [{ id: 'a', status: 'running' }], task: { status: 'running' } },
      {
        attempt: 2,
        steps: [
          { id: 'a', status: 'success', exitCode: 0 },
          { id: 'b', status: 'success', exitCode: 0 },
        ],
        task: { status: 'success' },
      },
    ])
  })

  it('reports a step that is over at once only as ended', async () => {
    const { control, reports } = recorder(() => Promise.resolve())
    const reporter = createProgressReporter(
      control,
      { taskId: 't', claim, attempt: 1 },
      () => undefined,
    )
    reporter.step({ id: 'a', status: 'running' })
    reporter.step({ id: 'a', status: 'success', exitCode: 0 })
    await reporter.finish({ status: 'success' })
    expect(reports).toEqual([
      {
        attempt: 1,
        steps: [{ id: 'a', status: 'success', exitCode: 0 }],
        task: { status: 'success' },
      },
    ])
  })

  it('says nothing more once it is silenced', async () => {
    const { control, reports } = recorder(() => Promise.resolve())
    const reporter = createProgressReporter(
      control,
      { taskId: 't', claim, attempt: 1 },
      () => undefined,
    )
    reporter.step({ id: 'a', status: 'running' })
    reporter.silence()
    await reporter.finish({ status: 'failed' })
    expect(reports).toEqual([])
  })

  it('repeats a report until it is answered, and loses none', async () => {
    let failures = 3
    const { control, reports } = recorder(() =>
      failures-- > 0 ? Promise.reject(new Error('the database is away')) : Promise.resolve(),
    )
    const onRefused = vi.fn()
    const reporter = createProgressReporter(control, { taskId: 't', claim, attempt: 1 }, onRefused)
    reporter.step({ id: 'a', status: 'success', exitCode: 0 })
    await reporter.finish({ status: 'success' })
    expect(onRefused).not.toHaveBeenCalled()
    const last = reports.at(-1)
    expect(last).toMatchObject({ steps: [{ id: 'a', exitCode: 0 }], task: { status: 'success' } })
    expect(reports).toHaveLength(4)
  })

  it('says once that it was refused and sends nothing more', async () => {
    const refusal = new AppError('resource_conflict', 'no longer yours')
    const { control, reports } = recorder(() => Promise.reject(refusal))
    const onRefused = vi.fn()
    const reporter = createProgressReporter(control, { taskId: 't', claim, attempt: 1 }, onRefused)
    reporter.step({ id: 'a', status: 'running' })
    await vi.waitFor(() => expect(onRefused).toHaveBeenCalledExactlyOnceWith(refusal))
    reporter.step({ id: 'a', status: 'failed' })
    await expect(reporter.finish({ status: 'failed' })).rejects.toBe(refusal)
    expect(reports).toHaveLength(1)
  })
})

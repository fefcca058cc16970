import { describe, expect, it } from 'vitest'
import { AppError } from '../../errors.ts'
import { createStepReporter, type StepNews } from './step-reporter.ts'

const running = () => new AbortController().signal

/** A control plane whose answers wait until they are let out. */
function heldControl() {
  const sent: StepNews[] = []
  const waiting: (() => void)[] = []
  const send = (news: StepNews) => {
    sent.push({ ...news })
    return new Promise<void>((resolve) => waiting.push(resolve))
  }
  return { sent, send, answer: () => waiting.shift()?.() }
}

describe('createStepReporter', () => {
  it('tells states in order, and of what waits only the newest progress', async () => {
    const { sent, send, answer } = heldControl()
    const reporter = createStepReporter(send, () => expect.unreachable())
    reporter.report({ step: 'clone_repo', status: 'running', progress: null })
    reporter.progress('clone_repo', 10)
    reporter.report({ step: 'clone_repo', status: 'running', progress: 40, commitSha: 'abc' })
    reporter.report({ step: 'clone_repo', status: 'completed', progress: 100 })
    reporter.report({ step: 'create_zip', status: 'running', progress: null })
    let isSettled = false
    const settled = reporter.settled(running()).then(() => (isSettled = true))
    for (let n = 1; n <= 4; n++) {
      await expect.poll(() => sent.length).toBe(n)
      expect(isSettled).toBe(false)
      answer()
    }
    await settled
    expect(sent).toEqual([
      { step: 'clone_repo', status: 'running', progress: null },
      { step: 'clone_repo', status: 'running', progress: 40, commitSha: 'abc' },
      { step: 'clone_repo', status: 'completed', progress: 100 },
      { step: 'create_zip', status: 'running', progress: null },
    ])
  })

  it('tells of progress now and then, whole, within bounds, and never backwards', async () => {
    const sent: (number | null)[] = []
    const reporter = createStepReporter(
      async ({ progress }) => void sent.push(progress),
      () => expect.unreachable(),
    )
    reporter.progress('create_zip', 12.7)
    reporter.progress('create_zip', 13)
    reporter.progress('create_zip', 5)
    await reporter.settled(running())
    expect(sent).toEqual([12])
    reporter.progress('build_image', 300)
    await reporter.settled(running())
    expect(sent).toEqual([12, 100])
  })

  it('says nothing more once it was refused', async () => {
    const refused: unknown[] = []
    let tries = 0
    const reporter = createStepReporter(
      async () => {
        tries += 1
        throw new AppError('resource_conflict', 'not yours')
      },
      (error) => void refused.push(error),
    )
    reporter.report({ step: 'clone_repo', status: 'running', progress: null })
    reporter.report({ step: 'clone_repo', status: 'completed', progress: 100 })
    await reporter.settled(running())
    reporter.report({ step: 'create_zip', status: 'running', progress: null })
    await reporter.settled(running())
    expect(tries).toBe(1)
    expect(refused).toHaveLength(1)
  })

  it('keeps nobody waiting who is told to stop', async () => {
    const { send } = heldControl()
    const reporter = createStepReporter(send, () => expect.unreachable())
    reporter.report({ step: 'clone_repo', status: 'running', progress: null })
    const stop = new AbortController()
    const settled = reporter.settled(stop.signal)
    stop.abort(new Error('stopped'))
    await expect(settled).rejects.toThrow('stopped')
    await expect(reporter.settled(stop.signal)).rejects.toThrow('stopped')
  })

  it('tries again what got no answer, until it is silenced', async () => {
    let tries = 0
    const reporter = createStepReporter(
      async () => {
        tries += 1
        throw new Error('connection lost')
      },
      () => expect.unreachable(),
    )
    reporter.report({ step: 'clone_repo', status: 'running', progress: null })
    await expect.poll(() => tries).toBeGreaterThan(1)
    reporter.silence()
    await reporter.settled(running())
  })
})

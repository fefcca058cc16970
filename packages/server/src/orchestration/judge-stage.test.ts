import { describe, expect, it } from 'vitest'
import { judgeStage, remainingMs } from './judge-stage.ts'

describe('judgeStage', () => {
  it.each([
    ['pending', false, 'running'],
    ['running', false, 'running'],
    ['running', true, 'success'],
    ['success', true, 'success'],
    ['failed', true, 'success'],
    ['failed', false, 'failed'],
    ['cancelled', true, 'success'],
    ['cancelled', false, 'cancelled'],
  ] as const)('of a %s run, succeeded %s: %s', (runStatus, succeeded, status) => {
    expect(judgeStage({ runStatus, succeeded })).toBe(status)
  })
})

describe('remainingMs', () => {
  const progressAt = new Date('2026-01-01T00:00:00Z')
  const after = (seconds: number) => new Date(progressAt.getTime() + seconds * 1000)
  const of = (status: 'running' | 'success', now: Date) =>
    remainingMs({ status, timeoutMs: 60_000, progressAt, now })

  it('counts from the last progress, and leaves the ledger time to say why', () => {
    expect(of('running', after(0))).toBe(180_000)
    expect(of('running', after(179))).toBe(1_000)
    expect(of('running', after(999))).toBe(0)
  })

  it('leaves nothing of what has ended', () => {
    expect(of('success', after(0))).toBe(0)
  })
})

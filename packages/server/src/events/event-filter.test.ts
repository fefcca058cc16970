import { describe, expect, it } from 'vitest'
import { AppError } from '../errors.ts'
import { compileEventFilter, parseEventTypes } from './event-filter.ts'
import type { StoredEvent } from './stored-event.ts'

const event = (over: Partial<StoredEvent> = {}): StoredEvent => ({
  seq: 1,
  type: 'pipeline.run.created',
  repository: 'acme/shop',
  runId: '7b0c2b0e-6f0a-4a57-9d51-4f6f0c2b0e11',
  json: '{}',
  ...over,
})

describe('types of a filter', () => {
  it('are exact names and prefixes', () => {
    expect(parseEventTypes('pipeline.run.created, pipeline.phase.*,pipeline.run.created')).toEqual({
      exact: ['pipeline.run.created'],
      prefixes: ['pipeline.phase.'],
    })
  })

  it.each([
    '',
    '*',
    '.*',
    'pipeline',
    'pipeline*',
    'pipe.*',
    'pipeline.run.created.*',
    'a,,b',
    '%',
  ])('that match no event are refused: "%s"', (list) => {
    expect(() => parseEventTypes(list)).toThrow(AppError)
  })

  it('are bounded in number', () => {
    const list = Array.from({ length: 51 }, () => 'pipeline.*').join(',')
    expect(() => parseEventTypes(list)).toThrow('At most 50')
  })
})

describe('a filter', () => {
  const all = { visibleRepositories: null }

  it('without conditions takes every event', () => {
    expect(compileEventFilter(all)(event())).toBe(true)
    expect(compileEventFilter(all)(event({ repository: null, runId: null }))).toBe(true)
  })

  it('takes only what every condition allows', () => {
    const matches = compileEventFilter({
      ...all,
      types: { exact: ['pipeline.run.created'], prefixes: ['pipeline.step.'] },
      repository: 'acme/shop',
      runId: '7b0c2b0e-6f0a-4a57-9d51-4f6f0c2b0e11',
    })
    expect(matches(event())).toBe(true)
    expect(matches(event({ type: 'pipeline.step.updated' }))).toBe(true)
    expect(matches(event({ type: 'pipeline.run.completed' }))).toBe(false)
    expect(matches(event({ repository: 'acme/other' }))).toBe(false)
    expect(matches(event({ runId: null }))).toBe(false)
  })

  it('hides from a limited principal what is not its own, and what is nobody’s', () => {
    const matches = compileEventFilter({ visibleRepositories: ['acme/shop'] })
    expect(matches(event())).toBe(true)
    expect(matches(event({ repository: 'acme/other' }))).toBe(false)
    expect(matches(event({ repository: null }))).toBe(false)
    expect(compileEventFilter({ visibleRepositories: [] })(event())).toBe(false)
  })
})

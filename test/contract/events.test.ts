import { EventGapNote, eventSchemas, eventTypes } from '@slipway/contract/events'
import Value from 'typebox/value'
import { describe, expect, it } from 'vitest'
import { asDocumented } from '../support/assert-events.ts'

const run_id = '7b0c2b0e-6f0a-4a57-9d51-4f6f0c2b0e11'
const timestamp = '2025-10-05T12:00:00.000Z'
const commit_sha = 'abc123def456'
const repository = 'mycompany/myrepo'

/** As the API & Operations Reference shows them, with its placeholders filled in. */
const documented = [
  {
    event_type: 'pipeline.run.created',
    timestamp,
    data: { run_id, repository, branch: 'main', commit_sha, triggered_by: 'alice@company.com' },
  },
  {
    event_type: 'pipeline.run.completed',
    timestamp,
    data: { run_id, repository, commit_sha, status: 'success', duration_seconds: 120 },
  },
  {
    event_type: 'pipeline.run.failed',
    timestamp,
    data: {
      run_id,
      repository,
      commit_sha,
      failed_phase: 'build',
      error_message: 'step "compile" of shop exited with 2',
    },
  },
]

describe('event schemas', () => {
  it.each(documented)('hold for the documented $event_type', (event) => {
    expect(asDocumented(event)).toEqual(event)
  })

  it('name each event by its own type', () => {
    for (const type of eventTypes) {
      expect(eventSchemas[type].properties.event_type.const).toBe(type)
    }
  })

  it.each([
    ['a missing field', { ...documented[1], data: { run_id, repository, commit_sha } }],
    ['a wrong status', { ...documented[1], data: { ...documented[1]?.data, status: 'cancelled' } }],
    [
      'a fraction of a second',
      { ...documented[1], data: { ...documented[1]?.data, duration_seconds: 1.5 } },
    ],
    ['a run that is no UUID', { ...documented[0], data: { ...documented[0]?.data, run_id: '1' } }],
    ['a moment that is none', { ...documented[0], timestamp: 'yesterday' }],
    ['a field beside the documented', { ...documented[0], data: { ...documented[0]?.data, a: 1 } }],
    ['a field beside the envelope', { ...documented[0], seq: 1 }],
    ['an unknown type', { ...documented[0], event_type: 'pipeline.run.exploded' }],
  ])('do not hold for %s', (_what, event) => {
    expect(() => asDocumented(event)).toThrow('expected')
  })

  it('describe the note about a gap in the same envelope', () => {
    const note = { event_type: 'slipway.gap', timestamp, data: { after: 3, next: 10 } }
    expect(Value.Check(EventGapNote, note)).toBe(true)
    expect(eventTypes).not.toContain('slipway.gap')
  })
})

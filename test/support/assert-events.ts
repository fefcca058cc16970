import { eventSchemas, type EventType, type SlipwayEvent } from '@slipway/contract/events'
import type { TSchema } from 'typebox'
import Value from 'typebox/value'
import { expect } from 'vitest'

/**
 * Asserts that these are the events of one run, oldest first: each as the contract documents it,
 * with no field beside, and in an order that a run can have.
 */
export function assertRunEvents(runId: string, envelopes: readonly unknown[]): SlipwayEvent[] {
  const events = envelopes.map(asDocumented)
  for (const event of events) expect.soft(event.data).toMatchObject({ run_id: runId })
  assertOrder(runId, events)
  return events
}

/** Asserts that one envelope is exactly as documented. */
export function asDocumented(envelope: unknown): SlipwayEvent {
  const type = (envelope as { event_type?: unknown } | null)?.event_type
  expect(Object.keys(eventSchemas), 'event types').toContain(type)
  const schema = eventSchemas[type as EventType]
  const errors = Value.Errors(schema, envelope)
  expect(errors, `${String(type)} ${JSON.stringify(envelope)}`).toEqual([])
  expect(envelope, 'fields beside the documented').toEqual(documentedPart(schema, envelope))
  return envelope as SlipwayEvent
}

function documentedPart(schema: TSchema, value: unknown): unknown {
  const { properties } = schema as { properties?: Record<string, TSchema> }
  if (properties === undefined || typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value as Record<string, unknown>)
  return Object.fromEntries(
    entries.flatMap(([key, inner]) => {
      const property = properties[key]
      return property === undefined ? [] : [[key, documentedPart(property, inner)]]
    }),
  )
}

function assertOrder(id: string, events: readonly SlipwayEvent[]) {
  const types = events.map((event) => event.event_type)
  const count = (type: EventType) => types.filter((other) => other === type).length
  expect.soft(types[0], `first event of run ${id}`).toBe('pipeline.run.created')
  expect.soft(count('pipeline.run.created'), `creations of run ${id}`).toBe(1)
  const ends = events.filter(
    (event) =>
      event.event_type === 'pipeline.run.completed' ||
      event.event_type === 'pipeline.run.cancelled',
  )
  expect.soft(ends.length, `ends of run ${id}`).toBeLessThanOrEqual(1)
  const end = ends[0]
  const failed = end?.event_type === 'pipeline.run.completed' && end.data.status === 'failed'
  expect.soft(count('pipeline.run.failed'), `failures of run ${id}`).toBe(failed ? 1 : 0)
  if (failed) {
    const order = [types.indexOf('pipeline.run.completed'), types.indexOf('pipeline.run.failed')]
    expect.soft(order, `end and failure of run ${id}`).toEqual(order.toSorted((a, b) => a - b))
  }
}

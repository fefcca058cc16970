import { eventSchemas, type EventType, type SlipwayEvent } from '@slipway/contract/events'
import type { Kysely } from 'kysely'
import type { TSchema } from 'typebox'
import Value from 'typebox/value'
import { expect } from 'vitest'
import type { Tables } from '../../packages/server/src/db/tables.gen.ts'

/**
 * Asserts that every event of the run (or of the whole database) is one the contract documents:
 * a known type, the documented data and no field beside it, stored under the run and repository it
 * speaks of, and in an order that a run can have. Returns the envelopes, oldest first.
 */
export async function assertEvents(
  db: Kysely<Tables>,
  where: { runId?: string } = {},
): Promise<SlipwayEvent[]> {
  let query = db.selectFrom('events').selectAll().orderBy('id').limit(100_000)
  if (where.runId !== undefined) query = query.where('run_id', '=', where.runId)
  const rows = await query.execute()
  const runs = new Map<string, SlipwayEvent[]>()
  const events = rows.map((row) => {
    const event = asDocumented({
      event_type: row.event_type,
      timestamp: row.occurred_at.toISOString(),
      data: row.data,
    })
    expect.soft(row.run_id, `run of event ${row.id}`).toBe(event.data.run_id)
    expect.soft(row.repository, `repository of event ${row.id}`).toBe(event.data.repository)
    runs.set(event.data.run_id, [...(runs.get(event.data.run_id) ?? []), event])
    return event
  })
  for (const [id, ofRun] of runs) assertOrder(id, ofRun)
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

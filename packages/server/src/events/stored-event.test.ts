import fc from 'fast-check'
import { expect, it } from 'vitest'
import { toStoredEvent } from './stored-event.ts'

it('is one line of JSON, whatever the data holds', () => {
  fc.assert(
    fc.property(fc.date({ noInvalidDate: true }), fc.jsonValue(), fc.string(), (at, data, type) => {
      const { json } = toStoredEvent({
        seq: 1,
        event_type: type,
        repository: null,
        run_id: null,
        occurred_at: at,
        origin: null,
        data: JSON.stringify(data),
      })
      expect(json).not.toMatch(/[\r\n]/)
      expect(JSON.parse(json)).toEqual({
        event_type: type,
        timestamp: at.toISOString(),
        data: JSON.parse(JSON.stringify(data)) as unknown,
      })
    }),
  )
})

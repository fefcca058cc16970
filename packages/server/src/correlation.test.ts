import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  captureCorrelation,
  correlate,
  correlationHeaders,
  currentOrigin,
  currentTraceparent,
  detached,
  inSpan,
  inSpanOf,
  isTraceparent,
  kindOfError,
  logFields,
  type Span,
  type SpanOptions,
  type Tracer,
  underOrigin,
} from './correlation.ts'
import { AppError } from './errors.ts'

const parent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

/** A tracer that only remembers, in the order of what happened. */
function recordingTracer() {
  const told: string[] = []
  let count = 0
  const begin = (name: string, above: string | null, { attributes = {} }: SpanOptions): Span => {
    const spanId = String(++count).padStart(16, '0')
    told.push(`begin ${name} under ${above ?? 'nothing'} ${JSON.stringify(attributes)}`)
    return {
      traceId: 'f'.repeat(32),
      spanId,
      traceparent: `00-${'f'.repeat(32)}-${spanId}-01`,
      set: (more) => void told.push(`set ${JSON.stringify(more)}`),
      fail: (error) => void told.push(`fail ${kindOfError(error)}`),
      child: (childName, options = {}) => begin(childName, name, options),
      end: () => void told.push(`end ${name}`),
    }
  }
  const tracer: Tracer = { start: (name, options) => begin(name, options.parent, options) }
  return { tracer, told }
}

describe('correlation', () => {
  it('is of nothing outside of everything', async () => {
    expect(logFields()).toEqual({})
    expect(currentOrigin()).toBeNull()
    expect(correlationHeaders()).toEqual({})
    expect(await inSpan('work', {}, async (span) => span)).toBeNull()
  })

  it('adds ids on the way down, and forgets them on the way up', async () => {
    await correlate({ request_id: 'r' }, async () => {
      await Promise.all([
        correlate({ run_id: '1' }, async () => {
          await Promise.resolve()
          expect(logFields()).toEqual({ request_id: 'r', run_id: '1' })
        }),
        correlate({ run_id: '2' }, async () => {
          await new Promise(setImmediate)
          expect(logFields()).toEqual({ request_id: 'r', run_id: '2' })
        }),
      ])
      expect(logFields()).toEqual({ request_id: 'r' })
    })
    expect(logFields()).toEqual({})
  })

  it('is none of what goes on afterwards, and is there again for what is called back', () => {
    const back = correlate({ request_id: 'r' }, () => {
      detached(() => expect(currentOrigin()).toBeNull())
      return captureCorrelation()
    })
    expect(logFields()).toEqual({})
    expect(back(() => logFields())).toEqual({ request_id: 'r' })
    expect(back(() => correlationHeaders())).toEqual({ 'x-request-id': 'r' })
  })

  it('survives being stored, for any request id and trace', () => {
    const ids = fc.option(fc.stringMatching(/^[A-Za-z0-9._:-]{1,128}$/))
    const parents = fc.option(
      fc
        .tuple(fc.stringMatching(/^[1-9a-f][0-9a-f]{31}$/), fc.stringMatching(/^[1-9a-f]{16}$/))
        .map(([trace, span]) => `00-${trace}-${span}-01`),
    )
    fc.assert(
      fc.property(ids, parents, (requestId, traceparent) => {
        // A dash alone stands for none.
        fc.pre(requestId !== '-')
        const origin = `${traceparent ?? '-'} ${requestId ?? '-'}`
        const stored = underOrigin(origin, () => currentOrigin())
        expect(stored).toBe(requestId === null && traceparent === null ? null : origin)
        expect(underOrigin(stored, () => currentTraceparent())).toBe(traceparent)
      }),
    )
  })

  it('takes nothing from what is no origin', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!isTraceparent(text.split(' ')[0] ?? ''))
        expect(underOrigin(text, () => currentTraceparent())).toBeNull()
      }),
    )
  })
})

describe('spans', () => {
  it('are below the one they are in, and end with their work', async () => {
    const { tracer, told } = recordingTracer()
    const work = { name: 'job', fields: { job_id: 'j' }, attributes: { type: 'task' } }
    await inSpanOf(tracer, `${parent} r`, work, async () => {
      expect(logFields()).toEqual({
        request_id: 'r',
        job_id: 'j',
        trace_id: 'f'.repeat(32),
        span_id: '0000000000000001',
      })
      expect(currentOrigin()).toBe(`00-${'f'.repeat(32)}-0000000000000001-01 r`)
      await inSpan('step', {}, async (span) => span?.set({ code: 0 }))
    })
    expect(told).toEqual([
      `begin job under ${parent} {"type":"task"}`,
      'begin step under job {}',
      'set {"code":0}',
      'end step',
      'end job',
    ])
  })

  it('tell of an error its kind alone, and let it pass', async () => {
    const { tracer, told } = recordingTracer()
    const work = { name: 'job', fields: {} }
    const failing = inSpanOf(tracer, null, work, () => Promise.reject(new Error('the password')))
    await expect(failing).rejects.toThrow('the password')
    expect(told).toEqual(['begin job under nothing {}', 'fail Error', 'end job'])
    expect(kindOfError(new AppError('unavailable', 'a message'))).toBe('unavailable')
    expect(kindOfError(Object.assign(new Error('m'), { code: 'ECONNRESET' }))).toBe('ECONNRESET')
    expect(kindOfError('text')).toBe('unknown')
  })

  it('are none where nothing is traced, and what is stored goes on all the same', async () => {
    await inSpanOf(null, `${parent} r`, { name: 'job', fields: {} }, async (span) => {
      expect(span).toBeNull()
      expect(logFields()).toEqual({ request_id: 'r' })
      expect(currentOrigin()).toBe(`${parent} r`)
    })
  })
})

describe('a traceparent', () => {
  it.each([
    [parent, true],
    ['cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', true],
    ['ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', false],
    [`00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, false],
    [`00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`, false],
    ['00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01', false],
    [`${parent}-more`, false],
    ['', false],
  ])('%s: %s', (text, is) => expect(isTraceparent(text)).toBe(is))
})

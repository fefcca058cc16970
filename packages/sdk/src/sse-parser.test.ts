import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSseParser, type SseEvent } from './sse-parser.ts'

const parse = (...chunks: string[]): SseEvent[] => {
  const parser = createSseParser()
  return chunks.flatMap((chunk) => parser.push(chunk))
}

describe('createSseParser', () => {
  it('reads the fields of an event', () => {
    expect(parse('id: 7\nevent: log\ndata: a\ndata:  b\n\n')).toEqual([
      { type: 'log', data: 'a\n b', id: '7' },
    ])
  })

  it('skips comments, unknown fields, and blocks without data', () => {
    expect(parse(': hi\n\nfoo: bar\n\nevent: x\n\ndata: y\n\n')).toEqual([
      { type: 'message', data: 'y', id: '' },
    ])
  })

  it('drops a byte order mark, and an event that the stream broke off', () => {
    expect(parse('\uFEFFdata: a\n\ndata: b\n')).toEqual([{ type: 'message', data: 'a', id: '' }])
  })

  it('moves the last id at the end of a block only', () => {
    const parser = createSseParser('3')
    parser.push('id: 4\ndata: lost')
    expect(parser.lastId).toBe('3')
    parser.push('\n\n')
    expect(parser.lastId).toBe('4')
    parser.push('id: 9\n\n')
    expect(parser.lastId).toBe('9')
  })

  it('keeps the time after which to come back', () => {
    const parser = createSseParser()
    parser.push('retry: 1500\nretry: soon\n\n')
    expect(parser.retryMs).toBe(1500)
  })

  it('refuses an event without end', () => {
    const parser = createSseParser()
    const chunk = `data: ${'x'.repeat(1 << 20)}\n`
    expect(() => {
      for (let i = 0; i < 17; i += 1) parser.push(chunk)
    }).toThrow(RangeError)
  })

  it('gives the same events however the text is broken', () => {
    const token = fc.constantFrom(
      'data',
      'id',
      'event',
      'retry',
      ':',
      ' ',
      '\n',
      '\r',
      '\r\n',
      '\n\n',
      '\r\n\r\n',
      'é',
      '7',
      'x',
      '\0',
    )
    const text = fc.array(token, { maxLength: 60 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(text, fc.array(fc.nat(200), { maxLength: 10 }), (whole, cuts) => {
        const at = [...new Set(cuts.map((cut) => cut % (whole.length + 1)))].toSorted(
          (a, b) => a - b,
        )
        const chunks = [0, ...at].map((from, index) => whole.slice(from, at[index] ?? whole.length))
        expect(chunks.join('')).toBe(whole)
        expect(parse(...chunks)).toEqual(parse(whole))
      }),
      { numRuns: 2000 },
    )
  })

  it('reads back whatever events are written', () => {
    const field = fc.string().map((text) => text.replace(/[\r\n\0]/g, ''))
    const event = fc.record({
      id: field,
      type: field.filter((type) => type !== ''),
      lines: fc.array(field, { minLength: 1, maxLength: 4 }),
    })
    const ends = fc.constantFrom('\n', '\r\n', '\r')
    fc.assert(
      fc.property(fc.array(event, { maxLength: 5 }), ends, (events, end) => {
        const text = events
          .map(({ id, type, lines }) =>
            [`id: ${id}`, `event: ${type}`, ...lines.map((line) => `data: ${line}`), '', ''].join(
              end,
            ),
          )
          .join('')
        expect(parse(...text.split(/(?<=x)/))).toEqual(
          events.map(({ id, type, lines }) => ({ id, type, data: lines.join('\n') })),
        )
      }),
    )
  })
})

import { describe, expect, it } from 'vitest'
import { correlate } from './correlation.ts'
import { openLog } from './open-log.ts'

function written(level = 'debug') {
  const lines: string[] = []
  const log = openLog({ level }, { write: (line) => void lines.push(line) })
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown> }
}

describe('a line of log', () => {
  it('has a time, a level in the words of the documents, a message, and ids', () => {
    const { log, last } = written()
    for (const [level, word] of [
      ['debug', 'DEBUG'],
      ['info', 'INFO'],
      ['warn', 'WARN'],
      ['error', 'ERROR'],
    ] as const) {
      correlate({ request_id: 'r', run_id: 'x' }, () => log[level]({ run_id: 'y' }, 'something'))
      expect(last()).toEqual({
        level: word,
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as unknown,
        request_id: 'r',
        run_id: 'y',
        msg: 'something',
      })
    }
  })

  it('is left out below the level that is set', () => {
    const { log, lines } = written('warn')
    log.info('no')
    log.warn('yes')
    expect(lines).toHaveLength(1)
  })

  it('has of an error its kind, message, stack and causes, and nothing that hangs on it', () => {
    const { log, last } = written()
    const cause = Object.assign(new Error('below'), { code: 'ECONNRESET', request: { key: 'k1' } })
    const error = Object.assign(new TypeError('above', { cause }), { headers: { key: 'k2' } })
    log.error({ err: error }, 'failed')
    expect(last()['err']).toEqual({
      type: 'TypeError',
      message: 'above',
      stack: expect.stringContaining('TypeError: above') as unknown,
      cause: {
        type: 'Error',
        code: 'ECONNRESET',
        message: 'below',
        stack: expect.any(String) as unknown,
      },
    })
    log.error({ err: new AggregateError([new Error('one'), 'two'], 'both') }, 'failed')
    expect(last()['err']).toMatchObject({ errors: [{ message: 'one' }, { message: 'two' }] })
  })

  it('ends where causes go round in a circle', () => {
    const { log, last } = written()
    const error = new Error('round')
    error.cause = error
    log.error({ err: error }, 'failed')
    expect(last()).toMatchObject({ err: { message: 'round', cause: { message: 'round' } } })
  })
})

describe('what looks like a secret', () => {
  it.each([
    ['a login in a URL', 'postgres://slipway:p4ssw0rd@db.example/slipway', 'p4ssw0rd'],
    ['a token in a URL', 'https://x-access-token:abc%2Fdef@github.com/a/b.git', 'abc%2Fdef'],
    ['a header', 'Authorization: Bearer abcdefgh12345678', 'abcdefgh12345678'],
    ['a token of ours', 'slw_0123456789abcdefghijABCDEFGHIJ0123456789', '0123456789abcdef'],
    ['a token of GitHub', `ghs_${'A1b2'.repeat(9)}`, 'A1b2A1b2'],
    ['a fine-grained token', `github_pat_${'A1b2'.repeat(9)}`, 'A1b2A1b2'],
    ['a signed token', `eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl`, 'eyJzdWI'],
    ['a key of AWS', 'AKIAIOSFODNN7EXAMPLE', 'IOSFODNN7'],
    ['a link', 'https://h/v1/logs?expires=1&signature=abcdef0123&x=1', 'abcdef0123'],
    [
      'a private key',
      '-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIBase64\n-----END EC PRIVATE KEY-----',
      'MHcCAQEE',
    ],
  ])('is left out: %s', (_what, text, word) => {
    const { log, lines, last } = written()
    log.warn({ reason: text, err: new Error(`it said ${text}`) }, `about ${text}`)
    expect(lines.join('')).not.toContain(word)
    // Still one JSON object with the rest.
    expect(last()).toMatchObject({ level: 'WARN', err: { type: 'Error' } })
  })

  it('leaves the rest as it is', () => {
    const { log, last } = written()
    const reason = 'https://github.com/acme/shop.git@main: bearer of news, 3f2a@example.com'
    log.info({ reason }, 'x')
    expect(last()['reason']).toBe(reason)
  })
})

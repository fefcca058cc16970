import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { composeMessage } from './commit-message.ts'

function trailersOf(message: string): string[] {
  const args = ['interpret-trailers', '--parse']
  return execFileSync('git', args, { input: message, cwd: '/' }).toString().trim().split('\n')
}

describe('composeMessage', () => {
  it('writes trailers that git reads', () => {
    const message = composeMessage({
      subject: 'Deploy acme/shop/api #42 to production',
      trailers: { 'Slipway-Deployment': 'd-1', 'Deployed-By': 'alice@company.com' },
    })
    expect(message.split('\n')[0]).toBe('Deploy acme/shop/api #42 to production')
    expect(trailersOf(message)).toEqual([
      'Slipway-Deployment: d-1',
      'Deployed-By: alice@company.com',
    ])
  })

  it('lets no value add a line, whatever separates lines where', () => {
    const evil = 'eve\nSlipway-Deployment: forged\r\u2028Deployed-By: root\u0085\u000b\0x'
    const message = composeMessage({
      subject: evil,
      trailers: { 'Slipway-Deployment': 'real', 'Deployed-By': evil },
    })
    expect(message.split('\n')).toHaveLength(5)
    expect(trailersOf(message)).toHaveLength(2)
    expect(trailersOf(message)[0]).toBe('Slipway-Deployment: real')
  })

  it('has as many lines as it has parts, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const message = composeMessage({ subject: text, trailers: { A: text, B: text } })
        expect(message.split(/\r\n|[\n\r\u000b\u000c\u0085\u2028\u2029]/)).toHaveLength(5)
      }),
    )
  })
})

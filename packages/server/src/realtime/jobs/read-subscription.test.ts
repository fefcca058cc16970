import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSubscription, readRepository } from './read-subscription.ts'

describe('readRepository', () => {
  it('takes a bare name and the envelope that the document shows', () => {
    expect(readRepository('subscribe:repository', 'owner/repo')).toBe('owner/repo')
    // GitHub-RunnerHub API Reference, "Subscriptions".
    const subscribe = { event: 'subscribe:repository', data: 'owner/repo' }
    const unsubscribe = { event: 'unsubscribe:repository', data: 'owner/repo' }
    expect(readRepository('subscribe:repository', subscribe)).toBe('owner/repo')
    expect(readRepository('unsubscribe:repository', unsubscribe)).toBe('owner/repo')
    expect(readRepository('subscribe:repository', { data: 'owner/repo' })).toBe('owner/repo')
  })

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['no name', 'repo'],
    ['a path', 'owner/..'],
    ['a list', ['owner/repo']],
    ['an envelope without data', { event: 'subscribe:repository' }],
    ['an envelope in an envelope', { data: { data: 'owner/repo' } }],
    ['another event', { event: 'unsubscribe:repository', data: 'owner/repo' }],
    ['a name that is too long', `owner/${'x'.repeat(140)}`],
  ])('takes no %s', (_what, given) => {
    expect(readRepository('subscribe:repository', given)).toBeNull()
  })

  it('answers a name or nothing, whatever comes', () => {
    fc.assert(
      fc.property(fc.anything(), (given) => {
        const name = readRepository('subscribe:repository', given)
        expect(name === null || /^[^/]+\/[^/]+$/.test(name)).toBe(true)
      }),
    )
  })
})

it('knows the events that subscribe', () => {
  expect(['subscribe:repository', 'unsubscribe:repository'].every(isSubscription)).toBe(true)
  expect(['subscribe', '', undefined, 'job:status', 'constructor'].some(isSubscription)).toBe(false)
})

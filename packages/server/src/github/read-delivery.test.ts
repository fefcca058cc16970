import examples from '@octokit/webhooks-examples' with { type: 'json' }
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readDelivery, type Wanted } from './read-delivery.ts'

type Payload = Record<string, unknown>
const recorded = (examples as unknown as { name: string; examples: Payload[] }[]).flatMap(
  ({ name, examples: payloads }) => payloads.map((payload) => ({ name, payload })),
)
const sha = 'ec26c3e57ca3a959ca5aad62de7213c562f8c821'
const repository = { id: 1, full_name: 'acme/shop' }
const sender = { login: 'alice' }
const push = (more: Payload) => ({ repository, sender, after: sha, deleted: false, ...more })
const pull = (action: string, head: Payload | null, more: Payload = {}) => ({
  action,
  repository,
  sender,
  pull_request: {
    number: 7,
    title: 'A change',
    user: { login: 'mallory' },
    head: { sha, ref: 'patch-1', repo: head },
    base: { ref: 'main', repo: repository },
    ...more,
  },
})
const outcome = (event: string, payload: Payload) => readDelivery(event, payload).outcome

describe('readDelivery', () => {
  it('has all that was recorded to look at', () => {
    expect(recorded).toHaveLength(329)
  })

  it('understands what was recorded of GitHub', () => {
    const kinds = new Map<string, number>()
    for (const { name, payload } of recorded) {
      const read = readDelivery(name, payload).outcome
      const kind = typeof read === 'string' ? 'nothing' : `${name}: ${read.kind}`
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    }
    expect(Object.fromEntries(kinds)).toEqual({
      nothing: 312,
      'create: tag': 5,
      'push: push': 3,
      'pull_request: closed pull request': 2,
      'pull_request: pull request': 7,
    })
  })

  it('takes a branch’s commit from a push, and whom GitHub names', () => {
    const payload = push({
      ref: 'refs/heads/feature/x',
      head_commit: { id: sha, author: { name: 'root', username: 'root' } },
    })
    expect(readDelivery('push', payload)).toEqual({
      repository: 'acme/shop',
      outcome: { kind: 'push', ref: 'feature/x', commit: sha, by: 'alice' },
    })
    const { sender: _, ...unsent } = push({ ref: 'refs/heads/x', pusher: { name: 'bob' } })
    expect(outcome('push', unsent)).toMatchObject({ by: 'bob' })
  })

  it('takes the commit of an annotated tag, not the tag', () => {
    const payload = push({ ref: 'refs/tags/v1', after: 'f'.repeat(40), head_commit: { id: sha } })
    expect(outcome('push', payload)).toMatchObject({ ref: 'refs/tags/v1', commit: sha })
  })

  it.each([
    ['a deleted branch', push({ ref: 'refs/heads/x', deleted: true })],
    ['a deleted tag', push({ ref: 'refs/tags/x', after: '0'.repeat(40) })],
    ['notes', push({ ref: 'refs/notes/x' })],
    ['a name git refuses', push({ ref: 'refs/heads/a..b' })],
    ['a name with NUL', push({ ref: 'refs/heads/a\u0000b' })],
    ['half a character', push({ ref: 'refs/heads/a\ud800' })],
    ['an empty name', push({ ref: 'refs/heads/' })],
    ['an empty tag', push({ ref: 'refs/tags/' })],
    ['no commit', push({ ref: 'refs/heads/x', after: 'abc' })],
    ['no repository', push({ ref: 'refs/heads/x', repository: null })],
    ['a path', push({ ref: 'refs/heads/x', repository: { full_name: 'acme/..' } })],
  ])('starts nothing on %s', (_, payload) => {
    expect(outcome('push', payload)).toEqual(expect.any(String))
  })

  it('runs a pull request of the repository’s own, and keeps one of a fork', () => {
    const common = { number: 7, ref: 'refs/pull/7/head', commit: sha, by: 'alice' }
    for (const action of ['opened', 'synchronize', 'reopened']) {
      expect(outcome('pull_request', pull(action, repository))).toEqual({
        kind: 'pull request',
        ...common,
      })
    }
    const offered = { title: 'A change', author: 'mallory', headRef: 'patch-1' }
    const fork = { id: 2, full_name: 'mallory/shop' }
    expect(outcome('pull_request', pull('opened', fork))).toEqual({
      kind: 'fork',
      ...common,
      ...offered,
      headRepository: 'mallory/shop',
    })
    // Gone, or called as ours is: what counts is which one it is.
    expect(outcome('pull_request', pull('opened', null))).toMatchObject({ headRepository: null })
    const alike = pull('opened', { id: 2, full_name: 'acme/shop' })
    expect(outcome('pull_request', alike)).toMatchObject({ kind: 'fork' })
  })

  it('keeps a stranger’s words on one line, of characters that can be stored', () => {
    const title = `a\u0000b\nc\ud800\u001b[31m${'x'.repeat(500)}`
    const read = outcome('pull_request', pull('opened', null, { title })) as Wanted & {
      title: string
    }
    expect(read.title).toMatch(/^a b c\ufffd \[31mx+$/)
    expect(read.title.length).toBeLessThanOrEqual(300)
  })

  it('has an answer to everything', () => {
    const events = ['push', 'create', 'pull_request', 'ping', 'constructor', '__proto__']
    const shapes = fc.letrec((tie) => ({
      value: fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.integer(),
        fc.constant(null),
        tie('object'),
      ),
      object: fc.dictionary(
        fc.constantFrom(
          'ref',
          'after',
          'repository',
          'full_name',
          'pull_request',
          'head',
          'repo',
          'sha',
        ),
        tie('value'),
      ),
    }))
    fc.assert(
      fc.property(
        fc.constantFrom(...events),
        shapes.object as fc.Arbitrary<Payload>,
        (event, payload) => {
          const { repository: name, outcome: read } = readDelivery(event, payload)
          if (typeof read !== 'string') expect(name).not.toBeNull()
          expect(JSON.stringify(read)).not.toMatch(/\\u0000|\\ud[89a-f]/)
        },
      ),
    )
  })
})

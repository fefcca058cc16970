import { expect, it } from 'vitest'
import { parseOverlay } from './parse-overlay.ts'

function problemsOf(text: string): string[] {
  const problems: string[] = []
  parseOverlay('overlay.yaml', Buffer.from(text), (message) => problems.push(message))
  return problems
}

it.each([
  ['nested so deeply that a parser would end the process', `patches: ${'['.repeat(20_000)}`],
  ['nested deeply, and closed', `patches: ${'['.repeat(2_000)}${']'.repeat(2_000)}`],
  [
    'aliases that multiply',
    `a: &a [${'x,'.repeat(500)}]\nb: &b [${'*a,'.repeat(500)}]\npatches: [${'*b,'.repeat(90)}]`,
  ],
  ['nothing but errors', '}\n'.repeat(100_000)],
  ['a tag', 'namespace: !!js/function x'],
  ['a key that would be a prototype', 'labels: { __proto__: { a: b } }'],
  ['a key twice', 'namespace: a\nnamespace: b'],
  ['two documents', 'namespace: a\n---\nnamespace: b'],
])('refuses %s', (_name, text) => {
  const problems = problemsOf(text)
  expect(problems.length).toBeGreaterThan(0)
  expect(problems.length).toBeLessThan(100)
})

it.each([
  ['an empty file', ''],
  ['nothing but a comment', '# later\n'],
  ['a small alias', 'labels: { a: &x "1", b: *x }'],
])('takes %s', (_name, text) => expect(problemsOf(text)).toEqual([]))

it('says in which line a problem is', () => {
  expect(problemsOf('namespace: a\npatches: [')).toEqual([expect.stringMatching(/^line 2: /)])
})

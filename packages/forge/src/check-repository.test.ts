import { expect, test } from 'vitest'
import { problemsInRepository, problemsOf } from './testing/load-problems.ts'

test.each([
  ['phasse: {}', '/phasse', 1, 'Did you mean "phases"?'],
  ['phases:\n  check:\n    timeout: 30', '/phases/check/timeout', 3, 'Put it in quotes'],
  [
    'phases:\n  check:\n    timeout: 3d',
    '/phases/check/timeout',
    3,
    'must be a duration such as 30m',
  ],
  ['phases:\n  check:\n    timeout: 25h', '/phases/check/timeout', 3, 'from 1s to 24h'],
  [
    'phases:\n  check:\n    group: 0',
    '/phases/check/group',
    3,
    'must be a whole number from 1 to 100, not 0',
  ],
  [
    'phases:\n  check:\n    required: sometimes',
    '/phases/check/required',
    3,
    'must be true or false',
  ],
  ['phases:\n  a/b: {}', '/phases/a~1b', 2, 'The key must be a name'],
  ['phases:\n  check: fast', '/phases/check', 2, 'must be an object, not "fast"'],
  ['tagging:\n  strategy: tagall', '/tagging/strategy', 2, 'Did you mean "tag-all"?'],
  ['tagging: {}', '/tagging', 1, 'needs the key "strategy"'],
  ['forgeVersion: "2.0"', '/forgeVersion', 1, 'must be the version of this format'],
  ['publishers:\n  x:\n    type: ocy', '/publishers/x/type', 3, 'Did you mean "oci"?'],
  ['publishers:\n  x:\n    registry: y', '/publishers/x', 2, 'needs the key "type"'],
  [
    'publishers:\n  x:\n    type: oci\n    registry: http://y',
    '/publishers/x/registry',
    4,
    'must be a registry such as',
  ],
  [
    'environments:\n  prod:\n    branches: ["rel[ease]"]',
    '/environments/prod/branches/0',
    3,
    'may have only * and **',
  ],
  [
    'environments:\n  prod:\n    triggers: [push]',
    '/environments/prod/triggers/0',
    3,
    'must be "branch", "tag" or "manual"',
  ],
  [
    'environments:\n  prod:\n    approval: {expires: 1s}',
    '/environments/prod/approval/expires',
    3,
    'from 1m to 720h',
  ],
  [
    'environments:\n  prod:\n    approval: {required: false, approvals: 2}',
    '/environments/prod/approval/approvals',
    3,
    '"required" is false',
  ],
  [
    'environments:\n  prod:\n    logRetention: 0',
    '/environments/prod/logRetention',
    3,
    'must be a whole number from 1 to 3650',
  ],
])('%j is a problem at %s, line %d', async (content, path, line, message) => {
  const problems = await problemsInRepository(content)
  expect(problems).toMatchObject([
    { file: '.forge/repo.yaml', path, line, message: expect.stringContaining(message) },
  ])
})

test('has at most 50 phases', async () => {
  const phases = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`p${index}`, {}]))
  const [problem] = await problemsOf({ '.forge/repo.json': JSON.stringify({ phases }) })
  expect(problem).toMatchObject({
    path: '/phases',
    line: 1,
    message: 'must have at most 50 entries, not 51.',
  })
})

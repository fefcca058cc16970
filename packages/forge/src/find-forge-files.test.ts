import { expect, test } from 'vitest'
import { loadForge } from './load-forge.ts'
import { oneStep, problemsOf, twoPhases } from './testing/load-problems.ts'
import { memoryTree } from './testing/memory-tree.ts'

test('no configuration at all says what to add', async () => {
  const [problem] = await problemsOf({ 'README.md': '' })
  expect(problem).toMatchObject({ file: '.forge/repo.yaml', path: '' })
  expect(problem?.message).toContain('slipway init')
})

test('a project without a repository file says what to add', async () => {
  const [problem] = await problemsOf({ 'api/.forge/project.yaml': oneStep() })
  expect(problem).toMatchObject({ file: '.forge/repo.yaml', path: '' })
  expect(problem?.message).toContain('api/.forge/project.yaml')
})

test('two formats of one file are refused', async () => {
  const files = {
    '.forge/repo.yaml': twoPhases,
    '.forge/repo.json': '{}',
    'a/.forge/project.json': '{}',
    'a/.forge/project.yaml': '{}',
  }
  expect(await problemsOf(files)).toMatchObject([
    {
      file: '.forge/repo.yaml',
      message: 'There is .forge/repo.json already; keep one format of the file.',
    },
    {
      file: 'a/.forge/project.yaml',
      message: 'There is a/.forge/project.json already; keep one format of the file.',
    },
  ])
})

test('.yml is refused instead of being skipped', async () => {
  expect(
    await problemsOf({ '.forge/repo.yaml': twoPhases, 'a/.forge/project.yml': '{}' }),
  ).toMatchObject([{ file: 'a/.forge/project.yml', message: expect.stringContaining('rename') }])
})

test('a directory with a repository file of its own is a repository of its own', async () => {
  const result = await loadForge(
    memoryTree({
      '.forge/repo.yaml': twoPhases,
      'api/.forge/project.yaml': oneStep(),
      'examples/x/.forge/repo.yaml': 'broken: [',
      'examples/x/y/.forge/project.yaml': 'broken: [',
      'examples/x/y/z/.forge/repo.yaml': '',
      'examples/xy/.forge/project.yaml': '{}',
    }),
  )
  expect(result).toMatchObject({
    ok: true,
    projects: [{ path: 'api' }, { path: 'examples/xy' }],
    nestedRepositories: ['examples/x'],
  })
})

test.each([
  ['empty', ' \n', 'The file is empty'],
  ['not UTF-8', Buffer.from([0x61, 0x3a, 0xff]), 'not UTF-8'],
  ['a list', '- 1\n', 'must be an object, not a list'],
  ['too large', `#${' '.repeat(300_000)}`, 'larger than 256 KiB'],
])('a file that is %s is refused', async (_, content, message) => {
  const [problem] = await problemsOf({ '.forge/repo.yaml': content })
  expect(problem).toMatchObject({ file: '.forge/repo.yaml', path: '' })
  expect(problem?.message).toContain(message)
})

test('broken syntax has its line, and the other files are checked all the same', async () => {
  const files = {
    '.forge/repo.json': '{\n  "phases": {\n}',
    'a/.forge/project.yaml': 'name: a\nphases: {a: b: c}\n',
    'b/.forge/project.yaml': 'name: b\nnmae: c\n',
  }
  expect(await problemsOf(files)).toMatchObject([
    { file: '.forge/repo.json', path: '', line: 3 },
    { file: 'a/.forge/project.yaml', path: '', line: 2 },
    { file: 'b/.forge/project.yaml', path: '/nmae', line: 2 },
  ])
})

test('more projects than the limit are refused', async () => {
  const projects = Array.from({ length: 501 }, (_, index) => [
    `p${index}/.forge/project.json`,
    '{}',
  ])
  const problems = await problemsOf({
    '.forge/repo.yaml': twoPhases,
    ...Object.fromEntries(projects),
  })
  expect(problems).toMatchObject([
    { message: 'The repository has 501 projects; at most 500 are allowed.' },
  ])
})

test('more steps than the limit are refused', async () => {
  const steps = Array.from({ length: 100 }, (_, index) => ({ name: `s${index}`, run: 'x' }))
  const content = JSON.stringify({ phases: { test: { steps } } })
  const projects = Array.from({ length: 51 }, (_, index) => [
    `p${index}/.forge/project.json`,
    content,
  ])
  const problems = await problemsOf({
    '.forge/repo.yaml': twoPhases,
    ...Object.fromEntries(projects),
  })
  expect(problems).toMatchObject([
    { message: 'The projects have 5100 steps together; at most 5000 are allowed.' },
  ])
})

test('more bytes than the limit are not read', async () => {
  const content = `{"name":"x"}${' '.repeat(1_000_000)}`
  const projects = Array.from({ length: 10 }, (_, index) => [
    `p${index}/.forge/project.json`,
    content.replace('x', `p${index}`),
  ])
  const problems = await problemsOf({
    '.forge/repo.yaml': twoPhases,
    ...Object.fromEntries(projects),
  })
  expect(problems[0]?.message).toContain('more than 8 MiB')
})

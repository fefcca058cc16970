import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { stepCommand } from './step-command.ts'

const machine = { hasBash: true }
const execute = promisify(execFile)

test.each([
  ['run', { run: 'x' }, ['bash', '-eo', 'pipefail', '-c', 'x']],
  ['make', { target: 'all' }, ['make', 'all']],
  ['make', { target: 'all', args: ['A=1', '--jobs=2'] }, ['make', 'A=1', '--jobs=2', 'all']],
  ['npm', { script: 'test' }, ['npm', 'run', 'test']],
  ['npm', { script: 'test', args: ['--grep', 'x'] }, ['npm', 'run', 'test', '--', '--grep', 'x']],
  ['npm', { command: 'ci' }, ['npm', 'ci']],
  ['npm', { command: 'ci', args: ['--ignore-scripts'] }, ['npm', 'ci', '--ignore-scripts']],
  ['earthly', { target: './lib+build', args: ['--V=1'] }, ['earthly', './lib+build', '--V=1']],
  ['docker-build', {}, ['docker', 'build', '--', '.']],
  [
    'docker-build',
    { context: 'app', dockerfile: 'app/D', target: 's', tags: ['a:1', 'b'], buildArgs: { N: 1 } },
    [
      'docker',
      'build',
      '--file',
      'app/D',
      '--target',
      's',
      '--tag',
      'a:1',
      '--tag',
      'b',
      '--build-arg',
      'N=1',
      '--',
      'app',
    ],
  ],
])('%s with %j', (action, keys, argv) => {
  expect(stepCommand({ action, with: keys }, machine)).toEqual(argv)
})

test('without bash a script is run by sh', () => {
  const step = { action: 'run', with: { run: 'x' } }
  expect(stepCommand(step, { hasBash: false })).toEqual(['sh', '-e', '-c', 'x'])
})

test('what did not come from loadForge is refused', () => {
  expect(() => stepCommand({ action: 'rm', with: {} }, machine)).toThrow(TypeError)
  expect(() => stepCommand({ action: 'run', with: {} }, machine)).toThrow(TypeError)
  expect(() => stepCommand({ action: 'run', with: { run: 'x', more: 1 } }, machine)).toThrow(
    TypeError,
  )
  expect(() => stepCommand({ action: 'make', with: { target: '--eval=x' } }, machine)).toThrow(
    TypeError,
  )
})

test('a script stops at the first failure, and keeps its quotes and lines', async () => {
  const run = async (script: string, hasBash: boolean) => {
    const [command, ...args] = stepCommand({ action: 'run', with: { run: script } }, { hasBash })
    return execute(command, args)
  }
  const script = 'a="it\'s $((1 + 1))"\nprintf "%s|" "$a"\nfalse\necho never'
  await expect(run(script, true)).rejects.toMatchObject({ code: 1, stdout: "it's 2|" })
  await expect(run(script, false)).rejects.toMatchObject({ code: 1, stdout: "it's 2|" })
  await expect(run('false | true', true)).rejects.toMatchObject({ code: 1 })
})

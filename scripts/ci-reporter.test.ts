import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Runs vitest with the reporter on test files of its own; says what is on the last line. */
async function lastLine(files: Record<string, string>) {
  const project = await mkdtemp(join(tmpdir(), 'slipway-reporter-'))
  onTestFinished(() => rm(project, { recursive: true, force: true }))
  await symlink(join(root, 'node_modules'), join(project, 'node_modules'))
  await cp(join(root, 'scripts/ci-reporter.ts'), join(project, 'ci-reporter.ts'))
  await writeFile(
    join(project, 'vitest.config.js'),
    "export default { test: { reporters: ['default', './ci-reporter.ts'] } }",
  )
  for (const [name, content] of Object.entries(files)) {
    const test = `import { expect, it } from 'vitest'\n${content}\n`
    await writeFile(join(project, name), test)
  }
  const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run']
  return new Promise<{ line: string | undefined; code: number }>((resolve) => {
    const env = { PATH: process.env.PATH, HOME: project }
    execFile(process.execPath, args, { cwd: project, env }, (error, stdout) =>
      resolve({ line: stdout.trimEnd().split('\n').at(-1), code: error ? Number(error.code) : 0 }),
    )
  })
}

const passes = "it('one', () => expect(1).toBe(1))\nit('two', () => expect(2).toBe(2))"

it('counts what passed', async () => {
  const result = await lastLine({ 'a.test.js': passes })
  expect(result).toEqual({ line: '2 passed, 0 failed', code: 0 })
}, 60_000)

it('counts what failed, was skipped, could not be loaded, or broke outside a test', async () => {
  const result = await lastLine({
    'a.test.js': passes,
    'b.test.js': "it('fails', () => expect(1).toBe(2))\nit.skip('never runs', () => {})",
    'c.test.js': "throw new Error('not loaded')",
    'd.test.js': "it('leaves', () => void Promise.reject(new Error('alone')))",
  })
  expect(result).toEqual({ line: '3 passed, 4 failed', code: 1 })
}, 60_000)

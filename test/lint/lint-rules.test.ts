import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

interface Report {
  diagnostics: { code: string; filename: string; labels: { span: { line: number } }[] }[]
}

const root = fileURLToPath(new URL('../..', import.meta.url))
let project: string

// The linter runs with the repository's own configuration, in a project made of the fixtures.
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'slipway-lint-'))
  await cp(join(root, 'test/lint/fixtures'), project, { recursive: true })
  await cp(join(root, 'scripts/lint'), join(project, 'scripts/lint'), { recursive: true })
  await cp(join(root, '.oxlintrc.json'), join(project, '.oxlintrc.json'))
  await symlink(join(root, 'node_modules'), join(project, 'node_modules'))
  const long = '// one line\n'.repeat(400) + 'export const last = 1\n'
  await writeFile(join(project, 'packages/server/src/long.ts'), long)
})
afterAll(() => rm(project, { recursive: true, force: true }))

const lint = () =>
  new Promise<{ report: Report; code: number }>((resolve, reject) => {
    const oxlint = join(root, 'node_modules/oxlint/bin/oxlint')
    const args = [oxlint, '--type-aware', '--deny-warnings', '--format=json', 'packages']
    execFile(
      process.execPath,
      args,
      { cwd: project, maxBuffer: 1 << 24 },
      (error, stdout, stderr) => {
        if (!stdout) return reject(new Error(`oxlint printed no report: ${stderr}`))
        return resolve({
          report: JSON.parse(stdout) as Report,
          code: error ? Number(error.code) : 0,
        })
      },
    )
  })

/** `file:line rule` of every `// expect: rule` in the fixtures. */
async function expected(): Promise<string[]> {
  const files = await readdir(join(project, 'packages'), { recursive: true })
  const found: string[] = []
  for (const file of files.filter((name) => name.endsWith('.ts'))) {
    const lines = (await readFile(join(project, 'packages', file), 'utf8')).split('\n')
    lines.forEach((line, index) => {
      const rule = /\/\/ expect: (.+)$/.exec(line)?.[1]
      for (const name of rule?.split(', ') ?? [])
        found.push(`packages/${file}:${index + 1} ${name}`)
    })
  }
  return found
}

describe('the lint rules', () => {
  it('report each violation in the fixtures, and nothing else', async () => {
    const { report, code } = await lint()
    const reported = report.diagnostics.map(
      ({ filename, labels, code: rule }) => `${filename}:${labels[0]?.span.line ?? 0} ${rule}`,
    )
    // Imports in the wrong direction close cycles too; those are not spelt out in the fixtures.
    const said = reported.filter(
      (line) => !line.endsWith('import(no-cycle)') || line.includes('/cycle-'),
    )
    const long = said.filter((line) => line.endsWith('eslint(max-lines)'))
    expect(long.map((line) => line.split(':')[0])).toEqual(['packages/server/src/long.ts'])
    const rest = said.filter((line) => !long.includes(line))
    expect(rest.toSorted()).toEqual((await expected()).toSorted())
    expect(code).toBe(1)
  }, 60_000)
})

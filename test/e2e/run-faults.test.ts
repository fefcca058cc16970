// What goes wrong outside of Slipway: the run says so, once, and the server goes on.
import { readFile } from 'node:fs/promises'
import type { Run } from '@slipway/contract/runs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import { finishedRun, startRun, stepNamed } from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let repository: TestRepository
let count = 0
let name: string

beforeAll(async () => {
  server = await startTestServer({ SLIPWAY_STEP_PIDS_LIMIT: '256' })
})
afterAll(() => server.close())

async function runFiles(files: Record<string, string>): Promise<Run> {
  name = `acme/fault-${count++}`
  repository = await createRepository(server.repositories, name)
  return finishedRun(server, await startRun(server, name, await repository.commit(files)))
}

const runScript = (script: string, more: object = {}) =>
  runFiles(oneProject([{ name: 's', action: 'run', run: script, ...more }]))

afterEach(async () => {
  expect((await server.request('GET', '/health', { token: null })).status).toBe(200)
})

describe('discovery', () => {
  it('says that a repository is not there', async () => {
    const run = await finishedRun(server, await startRun(server, 'acme/nowhere', 'a'.repeat(40)))
    expect(run).toMatchObject({ status: 'failed', phases: [] })
    expect(run.message).toContain('no such repository')
  })

  it('says that a commit is not there', async () => {
    repository = await createRepository(server.repositories, 'acme/commits')
    await repository.commit({ a: 'a' })
    const missing = await finishedRun(
      server,
      await startRun(server, 'acme/commits', 'b'.repeat(40)),
    )
    expect(missing.message).toContain('no such commit')
    const short = await finishedRun(server, await startRun(server, 'acme/commits', 'fffffff'))
    expect(short.message).toContain('no such commit')
  })

  it('says what to add to a repository without configuration', async () => {
    const run = await runFiles({ 'readme.md': '# hello' })
    expect(run.status).toBe('failed')
    expect(run.message).toContain('slipway init')
    expect(run.message).toContain('.forge')
  })

  it('is a success that says so where there is no project', async () => {
    const run = await runFiles({ '.forge/repo.json': '{"forgeVersion":1,"phases":{"test":{}}}' })
    expect(run.status).toBe('success')
    expect(run.message).toContain('no project')
  })

  it('names file, path, line and reason of everything that is wrong', async () => {
    const run = await runFiles({
      '.forge/repo.yaml': 'forgeVersion: 1\nphases:\n  test:\n    timeout: soon\n',
      'api/.forge/project.yaml':
        'name: Bad Name\nphases:\n  test:\n    steps:\n      - name: x\n        action: fly\n',
    })
    expect(run.status).toBe('failed')
    expect(run.problems).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          file: '.forge/repo.yaml',
          path: '/phases/test/timeout',
          line: 4,
        }),
        expect.objectContaining({ file: 'api/.forge/project.yaml', path: '/name', line: 1 }),
      ]),
    )
  })

  it('survives YAML and CUE that are broken', async () => {
    for (const file of ['.forge/repo.yaml', '.forge/repo.cue', '.forge/repo.json']) {
      const run = await runFiles({ [file]: '{ this is: [not closed' })
      expect(run.status).toBe('failed')
      expect(run.problems?.[0]?.file).toBe(file)
    }
  })

  it('survives a CUE bomb', async () => {
    const levels = Array.from(
      { length: 30 },
      (_, n) => `a${n + 1}: [a${n}, a${n}, a${n}, a${n}, a${n}, a${n}, a${n}, a${n}, a${n}]`,
    )
    const run = await runFiles({ '.forge/repo.cue': ['a0: "x"', ...levels].join('\n') })
    expect(run.status).toBe('failed')
    expect(run.problems?.[0]?.file).toBe('.forge/repo.cue')
  })
})

describe('a step', () => {
  it('that prints a gigabyte is stopped at the limit, with the server’s memory flat', async () => {
    const memory = async () =>
      Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${server.pid()}/status`, 'utf8'))?.[1]) /
      1024
    await runScript('true')
    const before = await memory()
    const run = await runScript('yes 0123456789012345678901234567890123456789 | head -c 1000000000')
    expect(run.status).toBe('failed')
    expect(stepNamed(run, 's').error).toContain('Printed more than')
    expect((await memory()) - before).toBeLessThan(150)
  })

  it('that forks without end is contained', async () => {
    const run = await runScript('f() { f | f & }; f; sleep 2; echo survived', { timeout: '20s' })
    expect(['failed', 'success']).toContain(run.status)
    expect((await runScript('echo still here')).status).toBe('success')
  })

  it('whose command does not exist exits with 127', async () => {
    const run = await runScript('no-such-command')
    expect(stepNamed(run, 's')).toMatchObject({ status: 'failed', exit_code: 127 })
  })

  it('that leaves a process behind does not hold its task up', async () => {
    const run = await runScript('sleep 300 & echo done')
    expect(run.status).toBe('success')
  })

  it('that prints no line end and bytes that are no text keeps them', async () => {
    const run = await runScript("printf 'a\\377b'")
    const { pathname } = new URL(stepNamed(run, 's').logs_url)
    const bytes = Buffer.from(await (await server.request('GET', pathname)).arrayBuffer())
    expect(bytes.toString('latin1')).toBe('a\u00ffb\n')
  })

  it('in a project whose directory leads out of the workspace does not start', async () => {
    name = `acme/fault-${count++}`
    repository = await createRepository(server.repositories, name)
    await repository.commit(oneProject([{ name: 's', action: 'run', run: 'true' }]))
    await repository.git('rm', '-r', '--quiet', '.forge/project.json')
    const commit = await repository.commit({
      'x/.forge/project.json': JSON.stringify({
        name: 'app',
        phases: {
          test: {
            steps: [
              { name: 's', action: 'run', run: 'rm -rf ../x; ln -s / ../x' },
              { name: 't', action: 'run', run: 'cat etc/hostname', needs: ['s'] },
            ],
          },
        },
      }),
    })
    const run = await finishedRun(server, await startRun(server, name, commit))
    expect(stepNamed(run, 't').status).toBe('failed')
  })
})

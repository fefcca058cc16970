// A commit's way through a run, by the door a user takes.
import type { Run } from '@slipway/contract/runs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRepository, oneProject, type TestRepository } from '../support/git-repository.ts'
import {
  finishedRun,
  getRun,
  logOf,
  startRun,
  stepNamed,
  stepsOf,
  tasksOf,
  waitForLog,
  waitForRun,
} from '../support/runs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let repository: TestRepository
const name = 'acme/shop'

beforeAll(async () => {
  server = await startTestServer()
  repository = await createRepository(server.repositories, name)
})
afterAll(() => server.close())

async function runSteps(steps: object[]): Promise<Run> {
  const commit = await repository.commit(oneProject(steps))
  return finishedRun(server, await startRun(server, name, commit))
}

const step = (stepName: string, run: string, more: object = {}) => ({
  name: stepName,
  action: 'run',
  run,
  ...more,
})

describe('a run', () => {
  it('takes every project through phases in groups, side by side within one', async () => {
    const phases = { check: { group: 1 }, test: { group: 1 }, build: { group: 2 } }
    const project = (projectName: string) =>
      JSON.stringify({
        name: projectName,
        phases: Object.fromEntries(
          Object.keys(phases).map((phase) => [
            phase,
            { steps: [step('s', `pwd; cat ${projectName}.txt`)] },
          ]),
        ),
      })
    const commit = await repository.commit({
      '.forge/repo.yaml': JSON.stringify({ forgeVersion: 1, phases }),
      'api/.forge/project.yaml': project('api'),
      'api/api.txt': 'this is api',
      'web/.forge/project.json': project('web'),
      'web/web.txt': 'this is web',
    })
    const run = await finishedRun(server, await startRun(server, name, commit))
    expect(run.status).toBe('success')
    expect(run.phases.map((phase) => [phase.name, phase.group_number, phase.status])).toEqual([
      ['check', 1, 'success'],
      ['test', 1, 'success'],
      ['build', 2, 'success'],
    ])
    for (const phase of run.phases) {
      expect(phase.tasks.map(({ project_name }) => project_name)).toEqual(['api', 'web'])
    }
    const ends = run.phases.map((phase) => Date.parse(phase.completed_at ?? ''))
    expect(Date.parse(run.phases[2]?.started_at ?? '')).toBeGreaterThanOrEqual(
      Math.max(ends[0]!, ends[1]!),
    )
    for (const task of tasksOf(run)) {
      expect(await logOf(server, task.steps[0]!)).toMatch(
        new RegExp(`/${task.project_name}\nthis is ${task.project_name}`),
      )
    }
    await repository.commit({ '.forge/repo.yaml': null, api: null, web: null })
  })

  it('gives the steps of a task one fresh checkout, in the order of their needs', async () => {
    const run = await runSteps([
      step('make', 'test ! -e made; echo made > made'),
      step('use', 'cat made; rm made', { needs: ['make'] }),
      step('history', 'git rev-parse HEAD; git status --porcelain'),
    ])
    expect(run.status).toBe('success')
    expect(await logOf(server, stepNamed(run, 'use'))).toBe('made\n')
    expect(await logOf(server, stepNamed(run, 'history'))).toContain(run.commit_sha)
    expect((await runSteps([step('make', 'test ! -e made')])).status).toBe('success')
  })

  it('tells a step about its run and nothing about the server', async () => {
    const run = await runSteps([step('env', 'env | sort', { env: { GREETING: 'hello $HOME' } })])
    const log = await logOf(server, stepNamed(run, 'env'))
    for (const line of [
      'CI=true',
      'GREETING=hello $HOME',
      `SLIPWAY_RUN_ID=${run.id}`,
      `SLIPWAY_COMMIT_SHA=${run.commit_sha}`,
      'SLIPWAY_REPOSITORY=acme/shop',
      'SLIPWAY_BRANCH=main',
      'SLIPWAY_PHASE=test',
      'SLIPWAY_PROJECT=app',
      'SLIPWAY_STEP=env',
    ]) {
      expect(log).toContain(`${line}\n`)
    }
    expect(log).not.toContain(server.token)
    expect(log).not.toContain('GIT_BASE_URL')
  })

  it('keeps a repository’s cache from run to run, apart from that of pull requests', async () => {
    const commit = await repository.commit(
      oneProject([step('count', 'echo x >> $SLIPWAY_CACHE/count; wc -l < $SLIPWAY_CACHE/count')]),
    )
    const counts: string[] = []
    for (const trigger_type of ['push', 'push', 'pull_request']) {
      const run = await finishedRun(server, await startRun(server, name, commit, { trigger_type }))
      counts.push((await logOf(server, stepNamed(run, 'count'))).trim())
    }
    expect(counts).toEqual(['1', '2', '1'])
  })

  it('shows the server’s secrets and files to no step', async () => {
    const run = await runSteps([
      step(
        'look',
        `for f in ${server.dataDir}/master-key ${server.dataDir}/postgres /etc/shadow; do test -s $f || echo hidden; done; grep CapEff /proc/self/status`,
      ),
    ])
    const log = await logOf(server, stepNamed(run, 'look'))
    expect(log.match(/^hidden$/gm)).toHaveLength(3)
    expect(log).toMatch(/CapEff:\s+0+$/m)
  })
})

describe('a failing step', () => {
  it('fails task, phase and run; what ran is stopped, what had not begun stays pending', async () => {
    const commit = await repository.commit({
      '.forge/repo.json': JSON.stringify({
        forgeVersion: 1,
        phases: { test: {}, build: { group: 2 } },
      }),
      '.forge/project.json': JSON.stringify({
        name: 'app',
        phases: {
          test: {
            steps: [
              step('bad', 'until [ -e up ]; do sleep 0.02; done; exit 7'),
              step('long', 'touch up; sleep 300'),
              step('after', 'true', { needs: ['bad'] }),
            ],
          },
          build: { steps: [step('build', 'true')] },
        },
      }),
    })
    const run = await finishedRun(server, await startRun(server, name, commit))
    expect(run.status).toBe('failed')
    expect(run.message).toContain('exited with 7')
    expect(run.phases.map(({ status }) => status)).toEqual(['failed', 'skipped'])
    expect(stepNamed(run, 'bad')).toMatchObject({ status: 'failed', exit_code: 7 })
    expect(stepNamed(run, 'long').status).toBe('failed')
    expect(stepNamed(run, 'after')).toMatchObject({ status: 'pending', exit_code: null })
    expect(stepNamed(run, 'build').status).toBe('pending')
  })

  it('is named as the reason, not one that was stopped because of it', async () => {
    const run = await runSteps([
      step('first', 'touch up; sleep 300'),
      step('second', 'until [ -e up ]; do sleep 0.02; done; exit 3'),
    ])
    expect(run.message).toContain('step second exited with 3')
    expect(stepNamed(run, 'first').error).toBe('Stopped because another step failed')
  })

  it('is stopped with its phase when that takes too long', async () => {
    const commit = await repository.commit({
      '.forge/repo.json': JSON.stringify({ phases: { test: { timeout: '1s' } } }),
      '.forge/project.json': JSON.stringify({
        name: 'app',
        phases: { test: { steps: [step('long', 'sleep 300', { timeout: '1m' })] } },
      }),
    })
    const run = await finishedRun(server, await startRun(server, name, commit))
    expect(run.message).toContain('Took longer than the 1 s that its phase has')
    expect(stepNamed(run, 'long').error).toContain('Took longer than the 1 s')
  })

  it('says by which signal it ended', async () => {
    const run = await runSteps([step('dies', 'kill -SEGV $$')])
    expect(stepNamed(run, 'dies')).toMatchObject({ status: 'failed', exit_code: 139 })
  })

  it('is stopped when it takes too long', async () => {
    const run = await runSteps([step('slow', 'echo begun; sleep 300', { timeout: '1s' })])
    expect(run.status).toBe('failed')
    expect(stepNamed(run, 'slow').error).toMatch(/longer than|timed? ?out/i)
    expect(await logOf(server, stepNamed(run, 'slow'))).toContain('begun')
  })

  it('never runs with less than the secrets it asks for', async () => {
    const run = await runSteps([
      step('deploy', 'echo ran', { secrets: [{ name: 'deploy-token', env: 'TOKEN' }] }),
    ])
    expect(run.status).toBe('failed')
    expect(await logOf(server, stepNamed(run, 'deploy'))).not.toContain('ran')
  })
})

describe('cancelling', () => {
  it('stops a step that ignores SIGTERM and everything it has forked, within ten seconds', async () => {
    const commit = await repository.commit(
      oneProject([
        step(
          'stubborn',
          'trap "" TERM; (setsid sh -c "trap : TERM; while :; do date >> $SLIPWAY_CACHE/alive; sleep 0.05; done" &) ; echo up; while :; do sleep 0.1; done',
        ),
      ]),
    )
    const id = await startRun(server, name, commit)
    const run = await waitForRun(server, id, (now) => stepsOf(now)[0]?.status === 'running')
    const [stubborn] = stepsOf(run)
    await waitForLog(server, stubborn!, 'up')
    const { pathname } = new URL(stubborn!.logs_url)
    const log = await server.request('GET', `${pathname}?follow=true`)
    const deadline = AbortSignal.timeout(10_000)
    await server.request('DELETE', `/v1/runs/${id}`)
    // The log is sealed, and its followers told, once the whole tree is gone.
    await log.text()
    expect(deadline.aborted).toBe(false)
    expect((await getRun(server, id)).status).toBe('cancelled')
    const next = await runSteps([
      step(
        'alive',
        'a=$(wc -l < $SLIPWAY_CACHE/alive); sleep 0.5; b=$(wc -l < $SLIPWAY_CACHE/alive); test $a = $b',
      ),
    ])
    expect(next.status).toBe('success')
  })
})

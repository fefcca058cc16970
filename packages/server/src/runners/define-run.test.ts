import { describe, expect, it } from 'vitest'
import { defineRun, defineWarm, githubVariables, nameRunner } from './define-run.ts'
import type { RunnerClass } from './runner-class.ts'

const job = {
  id: '550e8400-e29b-41d4-a716-446655440000',
  source: 'api',
  repository: 'owner/repo',
  github_run_id: '789012',
  run_attempt: 2,
  workflow: 'CI/CD Pipeline',
  job_ref: '123456',
  job_name: 'build',
  sha: 'abc123def456',
  ref: 'refs/heads/feature/x',
  event_name: 'push',
  actor: '$(id)',
} as const
const runnerClass: RunnerClass = {
  name: 'small',
  labels: ['linux'],
  executor: 'docker',
  pods: null,
  image: 'image:1',
  command: ['/bin/work', '--now'],
  env: { MINE: '1', GITHUB_SHA: 'not this' },
  limits: { memoryBytes: 1, cpus: 0.5, pids: 10, diskBytes: null, timeoutMs: 60_000 },
  network: 'none',
  maxRunners: 1,
  maxPerRepository: null,
  warm: 0,
  repositories: null,
  mounts: ['/srv'],
  images: ['node:20'],
}

describe('defineRun', () => {
  it('tells a command of its job by variables, as they came', () => {
    expect(defineRun(runnerClass, job, null)).toEqual({
      image: 'image:1',
      command: ['/bin/work', '--now'],
      env: {
        MINE: '1',
        CI: 'true',
        GITHUB_REPOSITORY: 'owner/repo',
        GITHUB_REPOSITORY_OWNER: 'owner',
        GITHUB_RUN_ID: '789012',
        GITHUB_RUN_ATTEMPT: '2',
        GITHUB_WORKFLOW: 'CI/CD Pipeline',
        GITHUB_JOB: 'build',
        GITHUB_SHA: 'abc123def456',
        GITHUB_REF: 'refs/heads/feature/x',
        GITHUB_REF_NAME: 'feature/x',
        GITHUB_REF_TYPE: 'branch',
        GITHUB_EVENT_NAME: 'push',
        GITHUB_ACTOR: '$(id)',
        SLIPWAY_DELEGATION_ID: job.id,
        RUNNER_NAME: 'slipway-small-446655440000',
      },
      workdir: null,
      user: null,
      mounts: [],
      network: 'none',
      idle: false,
      limits: { memoryBytes: 1, cpus: 0.5, pids: 10, diskBytes: null },
      timeoutMs: 60_000,
      runnerName: 'slipway-small-446655440000',
      runnerLabels: ['linux'],
      mountable: ['/srv'],
      images: ['node:20'],
      classImage: 'image:1',
      needsConfiguration: false,
    })
  })

  it('has GitHub’s runner learn of its job from GitHub', () => {
    const run = defineRun({ ...runnerClass, command: null }, job, null)
    expect(run.command).toEqual(['/home/runner/run.sh'])
    expect(run.env).toEqual(runnerClass.env)
    expect(run.needsConfiguration).toBe(true)
    const queued = defineRun(runnerClass, { ...job, source: 'queue' }, null)
    expect([queued.command, queued.needsConfiguration]).toEqual([['/bin/work', '--now'], true])
  })

  it('makes what the hooks of a proxy ask for, and lets it idle', () => {
    const mounts = [{ source: '/srv/work', target: '/__w' }]
    const options = '--cpus 0.25 --memory 1g --user 5'
    const asked = {
      image: 'node:20',
      env: { A: 'b' },
      workdir: '/__w',
      user: '1000',
      options,
      mounts,
    }
    expect(defineRun(runnerClass, job, asked)).toMatchObject({
      image: 'node:20',
      command: null,
      env: { MINE: '1', A: 'b' },
      workdir: '/__w',
      user: '1000',
      limits: { cpus: 0.25, memoryBytes: 1 },
      mounts: [{ source: '/srv/work', target: '/__w', readOnly: false }],
      idle: true,
      needsConfiguration: false,
    })
    expect(defineRun(runnerClass, job, {}).image).toBe('image:1')
  })
})

describe('githubVariables', () => {
  it('leaves out what is not known', () => {
    const unknown = { workflow: null, job_name: null, sha: null, ref: null, event_name: null }
    const variables = githubVariables({ ...job, ...unknown, actor: null })
    expect(Object.keys(variables).toSorted()).toEqual([
      'CI',
      'GITHUB_JOB',
      'GITHUB_REPOSITORY',
      'GITHUB_REPOSITORY_OWNER',
      'GITHUB_RUN_ATTEMPT',
      'GITHUB_RUN_ID',
      'SLIPWAY_DELEGATION_ID',
    ])
    expect(variables['GITHUB_JOB']).toBe('123456')
  })

  it('tells tags from branches', () => {
    expect(githubVariables({ ...job, ref: 'refs/tags/v1' })).toMatchObject({
      GITHUB_REF_NAME: 'v1',
      GITHUB_REF_TYPE: 'tag',
    })
  })
})

describe('nameRunner', () => {
  it('is no longer than GitHub takes it', () => {
    expect(nameRunner('x'.repeat(100), job.id).length).toBeLessThanOrEqual(64)
  })
})

describe('defineWarm', () => {
  it('is what a job of the class runs, before anything is known of it', () => {
    const { env, ...warm } = defineWarm(runnerClass)
    expect(env).toEqual(runnerClass.env)
    expect(defineRun(runnerClass, job, null)).toMatchObject(warm)
    expect(defineRun({ ...runnerClass, command: null }, job, null)).toMatchObject(
      defineWarm({ ...runnerClass, command: null }),
    )
  })
})

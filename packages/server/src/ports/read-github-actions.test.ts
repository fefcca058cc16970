import examples from '@octokit/webhooks-examples' with { type: 'json' }
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  readArtifact,
  readJob,
  readRepository,
  readRepositoryName,
  readRun,
  readWorkflow,
} from './read-github-actions.ts'

type Payload = Record<string, Record<string, unknown>>
const payloadsOf = (event: string): Payload[] =>
  (examples as unknown as { name: string; examples: Payload[] }[])
    .filter(({ name }) => name === event)
    .flatMap((one) => one.examples)

const run = {
  id: 30433642,
  workflow_id: 159038,
  name: 'Build',
  path: '.github/workflows/build.yml@main',
  run_number: 562,
  run_attempt: 2,
  event: 'push',
  head_branch: 'main',
  head_sha: 'acb5820ced9479c074f688cc328bf03f341a511d',
  head_commit: { message: 'Create linter.yaml\n\nand more' },
  actor: { login: 'octocat' },
  triggering_actor: { login: 'hubot' },
  html_url: 'https://github.com/octo-org/octo-repo/actions/runs/30433642',
  status: 'completed',
  conclusion: 'success',
  created_at: '2020-01-22T19:33:08Z',
  run_started_at: '2020-01-22T19:34:08Z',
  updated_at: '2020-01-22T19:40:08+01:00',
}

describe('readRun', () => {
  it('takes what GitHub says of a run', () => {
    expect(readRun(run)).toEqual({
      id: 30433642,
      workflowId: 159038,
      workflowName: 'Build',
      workflowPath: '.github/workflows/build.yml',
      runNumber: 562,
      attempt: 2,
      event: 'push',
      branch: 'main',
      commitSha: 'acb5820ced9479c074f688cc328bf03f341a511d',
      commitMessage: 'Create linter.yaml\n\nand more',
      actor: 'octocat',
      url: 'https://github.com/octo-org/octo-repo/actions/runs/30433642',
      githubStatus: 'completed',
      conclusion: 'success',
      createdAt: new Date('2020-01-22T19:33:08Z'),
      runStartedAt: new Date('2020-01-22T19:34:08Z'),
      updatedAt: new Date('2020-01-22T18:40:08Z'),
    })
  })

  it('fills in what an old GitHub leaves out', () => {
    const { run_attempt: _, run_started_at: __, path: ___, name: ____, ...old } = run
    expect(
      readRun({ ...old, name: null, head_branch: null, head_commit: null, actor: null }),
    ).toMatchObject({
      attempt: 1,
      workflowName: 'workflow 159038',
      workflowPath: null,
      branch: '',
      commitMessage: '',
      actor: '',
      runStartedAt: new Date('2020-01-22T19:33:08Z'),
    })
    const flow = { name: 'Build', path: '.github/workflows/build.yml' }
    expect(readRun(old, flow)).toMatchObject({ workflowName: 'Build', workflowPath: flow.path })
  })

  it('says an end only of what has ended', () => {
    expect(readRun({ ...run, status: 'in_progress' })).toMatchObject({ conclusion: null })
    expect(readRun({ ...run, status: null })).toMatchObject({ githubStatus: 'queued' })
  })

  it.each([
    ['no id', { id: null }],
    ['an id of text', { id: '30433642' }],
    ['no workflow', { workflow_id: undefined }],
    ['no number', { run_number: -1 }],
    ['no commit', { head_sha: 7 }],
    ['no time', { created_at: 'yesterday' }],
    ['a time that no calendar has', { created_at: '2020-13-45T00:00:00Z' }],
  ])('refuses one with %s', (_, wrong) => {
    expect(readRun({ ...run, ...wrong })).toBeNull()
  })

  it('keeps out what cannot be stored or followed', () => {
    const read = readRun({
      ...run,
      head_branch: 'a\u0000b\ud800',
      html_url: 'javascript:alert(1)',
      event: 'not a word',
      head_commit: { message: 'x'.repeat(20_000) },
    })
    expect(read).toMatchObject({ branch: 'ab\ufffd', url: '', event: '' })
    expect(read?.commitMessage).toHaveLength(10_000)
  })

  it('reads every delivery that was recorded', () => {
    const payloads = payloadsOf('workflow_run')
    expect(payloads.length).toBeGreaterThan(3)
    for (const { workflow_run: recorded, workflow } of payloads) {
      expect(readRun(recorded, workflow)).toMatchObject({ id: recorded?.['id'] })
    }
  })
})

describe('readJob', () => {
  const job = {
    id: 399444496,
    run_id: 29679449,
    run_attempt: 1,
    name: 'build',
    status: 'completed',
    conclusion: 'failure',
    created_at: '2020-01-20T17:41:00Z',
    started_at: '2020-01-20T17:42:40Z',
    completed_at: '2020-01-20T17:44:39Z',
    runner_name: 'my runner',
    labels: ['self-hosted', 'foo'],
    steps: [
      {
        name: 'Set up job',
        status: 'completed',
        conclusion: 'success',
        number: 1,
        started_at: '2020-01-20T09:42:40.000-08:00',
        completed_at: '2020-01-20T09:42:41.000-08:00',
      },
    ],
  }

  it('takes what GitHub says of a job and its steps', () => {
    expect(readJob(job)).toEqual({
      id: 399444496,
      runId: 29679449,
      attempt: 1,
      name: 'build',
      githubStatus: 'completed',
      conclusion: 'failure',
      createdAt: new Date('2020-01-20T17:41:00Z'),
      startedAt: new Date('2020-01-20T17:42:40Z'),
      completedAt: new Date('2020-01-20T17:44:39Z'),
      runnerName: 'my runner',
      labels: ['self-hosted', 'foo'],
      steps: [
        {
          number: 1,
          name: 'Set up job',
          status: 'completed',
          conclusion: 'success',
          started_at: '2020-01-20T17:42:40.000Z',
          completed_at: '2020-01-20T17:42:41.000Z',
        },
      ],
    })
  })

  it('is none without its parts, or with half a step', () => {
    expect(readJob({ ...job, run_id: null })).toBeNull()
    expect(readJob({ ...job, name: null })).toBeNull()
    expect(readJob({ ...job, steps: 'many' })).toBeNull()
    expect(readJob({ ...job, steps: [{ name: 'Set up job' }] })).toBeNull()
    expect(readJob({ ...job, steps: undefined })).toMatchObject({ steps: [] })
  })

  it('reads every delivery that was recorded', () => {
    for (const { workflow_job: recorded } of payloadsOf('workflow_job')) {
      expect(readJob(recorded)).toMatchObject({ id: recorded?.['id'] })
    }
  })
})

it('reads artifacts, workflows and repositories', () => {
  const artifact = {
    id: 11,
    name: 'Rails',
    size_in_bytes: 556,
    expired: false,
    created_at: '2020-01-10T14:59:22Z',
    expires_at: null,
  }
  expect(readArtifact(artifact)).toEqual({ ...artifact, created_at: '2020-01-10T14:59:22.000Z' })
  expect(readArtifact({ ...artifact, size_in_bytes: '556' })).toBeNull()
  const workflow = { id: 1, name: 'CI', path: '.github/workflows/ci.yml', state: 'active' }
  expect(readWorkflow(workflow)).toEqual(workflow)
  expect(readWorkflow({ ...workflow, path: '' })).toBeNull()
  expect(readRepository({ id: 7, full_name: 'acme/shop', default_branch: 'trunk' })).toEqual({
    id: 7,
    fullName: 'acme/shop',
    defaultBranch: 'trunk',
  })
  expect(readRepository({ id: 7, full_name: 'acme/../shop' })).toBeNull()
  expect(readRepositoryName('acme/..')).toBeNull()
})

it('has an answer for anything', () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      for (const read of [readRun, readJob, readArtifact, readWorkflow, readRepository]) {
        expect(() => read(value)).not.toThrow()
      }
    }),
  )
})

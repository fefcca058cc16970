import type { SlipwayEvent } from '@slipway/contract/events'
import { expect, it } from 'vitest'
import { toFrames } from './to-frames.ts'

const run = {
  repository: 'owner/repo-name',
  workflow: 'CI/CD Pipeline',
  branch: 'main',
  commit_sha: 'abc123def456',
  workflow_run_id: 123456789,
  attempt: 1,
  actor: 'username',
  url: 'https://github.com/owner/repo-name/actions/runs/123456789',
}
const framesOf = (event: SlipwayEvent) =>
  toFrames({ json: JSON.stringify(event) }).map((frame) => JSON.parse(frame.toString()) as object)

it('writes the frame that the document shows, and what else is known', () => {
  const [frame] = framesOf({
    event_type: 'workflow.run.completed',
    timestamp: '2025-01-01T10:05:00Z',
    data: { ...run, status: 'success', conclusion: 'success', duration_seconds: 300 },
  })
  // Pipeline Status API Documentation, "WebSocket Event Format".
  expect(frame).toEqual({
    type: 'phase2.event',
    channel: 'pipelines',
    event: 'pipeline:completed',
    data: {
      repository: 'owner/repo-name',
      workflow: 'CI/CD Pipeline',
      runId: 123456789,
      status: 'success',
      duration: 300,
      branch: 'main',
      actor: 'username',
      conclusion: 'success',
    },
    timestamp: '2025-01-01T10:05:00Z',
  })
})

it('writes a frame for each step of a job, in order, and none for other events', () => {
  const steps = [1, 2].map((number) => ({
    number,
    name: `step ${number}`,
    status: 'completed',
    conclusion: 'success',
  }))
  const { repository, workflow_run_id, attempt } = run
  const job = { repository, workflow_run_id, attempt, job_id: 7, job: 'build' }
  const frames = framesOf({
    event_type: 'workflow.job.updated',
    timestamp: '2025-01-01T10:05:00Z',
    data: { ...job, status: 'running', conclusion: null, steps },
  })
  expect(frames).toMatchObject([
    { event: 'pipeline:step-update', data: { jobId: 7, stepName: 'step 1' } },
    { event: 'pipeline:step-update', data: { jobId: 7, stepName: 'step 2' } },
  ])
  expect(
    framesOf({
      event_type: 'pipeline.run.started',
      timestamp: '2025-01-01T10:05:00Z',
      data: { run_id: 'x', repository, commit_sha: 'abc' },
    }),
  ).toEqual([])
})

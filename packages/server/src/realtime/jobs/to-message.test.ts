import type { SlipwayEvent } from '@slipway/contract/events'
import { expect, it } from 'vitest'
import { toMessage } from './to-message.ts'

const timestamp = '2025-06-19T10:00:00.000Z'
const job = {
  delegation_id: '550e8400-e29b-41d4-a716-446655440000',
  repository: 'owner/repo',
  job: '123456',
  github_run_id: '789012',
}
const of = (event: SlipwayEvent) => toMessage({ json: JSON.stringify(event) })

it('writes the messages that the document shows, and nothing more', () => {
  // GitHub-RunnerHub API Reference, "WebSocket Events".
  expect(
    of({
      event_type: 'runner.job.delegated',
      timestamp,
      data: { ...job, status: 'queued', labels: ['self-hosted'] },
    }),
  ).toEqual({
    name: 'job:delegated',
    message: {
      jobId: '550e8400-e29b-41d4-a716-446655440000',
      repository: 'owner/repo',
      status: 'queued',
    },
  })
  expect(
    of({
      event_type: 'runner.job.updated',
      timestamp,
      data: { ...job, status: 'running', reason: null },
    }),
  ).toEqual({
    name: 'job:status',
    message: {
      jobId: '550e8400-e29b-41d4-a716-446655440000',
      repository: 'owner/repo',
      status: 'running',
    },
  })
})

it('has none for other events', () => {
  const data = { run_id: 'x', repository: 'owner/repo', commit_sha: 'abc' }
  expect(of({ event_type: 'pipeline.run.started', timestamp, data })).toBeNull()
})

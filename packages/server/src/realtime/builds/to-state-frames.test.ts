import type { BuildStepState, BuildStepStatus } from '@slipway/contract/builds'
import { describe, expect, it } from 'vitest'
import type { BuildWithoutLog } from '../../builds/index.ts'
import { toStateFrames } from './to-state-frames.ts'

const step = (
  key: BuildStepState['key'],
  status: BuildStepStatus,
  progress: number | null = null,
): BuildStepState => ({
  key,
  name: key,
  status,
  progress,
  started_at: null,
  completed_at: null,
})

function build(more: Partial<BuildWithoutLog>): BuildWithoutLog {
  return {
    id: 1,
    status: 'running',
    steps_to_execute: ['clone_repo', 'create_zip'],
    git_repository_id: null,
    output_type: 'zip',
    registry_id: null,
    started_at: '2024-01-08T10:00:00.000Z',
    completed_at: null,
    repository_info: { id: null, name: 'a/b', url: 'https://a', type: 'https', is_verified: true },
    build_outputs: [],
    failure_reason: null,
    error: null,
    branding_template_id: null,
    configuration_id: null,
    ref: null,
    commit_sha: null,
    image_name: null,
    image_tag: null,
    build_args: {},
    platforms: [],
    custom_parameters: {},
    steps: [step('clone_repo', 'pending'), step('create_zip', 'pending')],
    attempt: 1,
    retry_of: null,
    executed_at: null,
    created_by: 'test',
    ...more,
  }
}

describe('toStateFrames', () => {
  it('begins with the state, and says it anew with each attempt', () => {
    const now = build({ attempt: 2, steps: [step('clone_repo', 'running')] })
    for (const before of [null, build({ steps: [step('clone_repo', 'completed')] })]) {
      expect(toStateFrames(before, now)).toEqual([{ type: 'status', pipeline_run: now }])
    }
  })

  it('says which steps changed, and that what has ended was running', () => {
    const before = build({
      steps: [step('clone_repo', 'running', 10), step('create_zip', 'pending')],
    })
    const now = build({
      steps: [step('clone_repo', 'completed', 100), step('create_zip', 'failed', 3)],
    })
    expect(toStateFrames(before, now)).toEqual([
      { type: 'step', key: 'clone_repo', status: 'completed', progress: 100 },
      { type: 'step', key: 'create_zip', status: 'running', progress: null },
      { type: 'step', key: 'create_zip', status: 'failed', progress: 3 },
    ])
  })

  it('says nothing twice, and nothing of steps that never ran but that they are skipped', () => {
    const before = build({})
    expect(toStateFrames(before, build({}))).toEqual([])
    const skipped = build({ steps: [step('clone_repo', 'pending'), step('create_zip', 'skipped')] })
    expect(toStateFrames(before, skipped)).toEqual([
      { type: 'step', key: 'create_zip', status: 'skipped', progress: null },
    ])
  })

  it('leaves the end to what comes behind the last line', () => {
    const completed = build({ status: 'completed', completed_at: '2024-01-08T10:01:00.000Z' })
    expect(toStateFrames(build({}), completed)).toEqual([])
    const running = build({ status: 'running' })
    expect(toStateFrames(build({ status: 'pending' }), running)).toEqual([
      { type: 'status', pipeline_run: running },
    ])
  })
})

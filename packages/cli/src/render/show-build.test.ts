import type { Build, BuildStepState } from '@slipway/contract/builds'
import { describe, expect, it } from 'vitest'
import { createScreen } from '../../../../test/support/screen.ts'
import { describeBuildChanges, renderBuild, showBuild } from './show-build.ts'
import { createStyles } from './styles.ts'

const at = (second: number) =>
  new Date(Date.parse('2024-01-08T10:00:00Z') + second * 1000).toISOString()

function step(
  key: BuildStepState['key'],
  name: string,
  status: BuildStepState['status'],
  more: Partial<BuildStepState> = {},
): BuildStepState {
  return { key, name, status, progress: null, started_at: null, completed_at: null, ...more }
}

function sample(more: Partial<Build> = {}): Build {
  return {
    id: 7,
    status: 'running',
    steps_to_execute: ['clone_repo', 'create_zip'],
    git_repository_id: 1,
    output_type: 'zip',
    registry_id: null,
    started_at: at(-5),
    completed_at: null,
    logs: '',
    logs_truncated: false,
    repository_info: { id: 1, name: 'acme/portal', url: 'x', type: 'ssh', is_verified: true },
    build_outputs: [],
    failure_reason: null,
    error: null,
    branding_template_id: null,
    configuration_id: null,
    ref: 'main',
    commit_sha: '0123456789abcdef0123456789abcdef01234567',
    image_name: null,
    image_tag: null,
    build_args: {},
    platforms: [],
    custom_parameters: {},
    steps: [
      step('clone_repo', 'Clone Git Repository', 'completed', {
        progress: 100,
        started_at: at(0),
        completed_at: at(3),
      }),
      step('create_zip', 'Create ZIP Archive', 'running', { progress: 40, started_at: at(3) }),
    ],
    attempt: 1,
    retry_of: null,
    executed_at: at(0),
    created_by: 'test',
    ...more,
  }
}

const pending = sample({
  status: 'pending',
  attempt: 0,
  executed_at: null,
  steps: sample().steps.map(({ key, name }) => step(key, name, 'pending')),
})
const failed = sample({
  status: 'failed',
  completed_at: at(9),
  error: 'The disk is \u001b[2Jfull',
  steps: sample().steps.map((one) => ({
    ...one,
    status: one.key === 'create_zip' ? 'failed' : one.status,
    completed_at: one.completed_at ?? at(9),
  })),
})

describe('renderBuild', () => {
  const options = { styles: createStyles(false), now: Date.parse(at(6)), frame: 0, columns: 80 }

  it('shows each step, how long it took, and how far it is', () => {
    expect(renderBuild(sample(), options)).toEqual([
      'acme/portal main 01234567',
      '⠋ build 7  6.0s',
      '  ✔ Clone Git Repository  3.0s',
      '  ⠋ Create ZIP Archive  3.0s  40% ██████░░░░░░░░░░',
    ])
  })

  it('fits narrow terminals', () => {
    for (let columns = 12; columns < 60; columns++) {
      for (const line of renderBuild(sample({ attempt: 2 }), { ...options, columns })) {
        expect(line.length).toBeLessThanOrEqual(columns)
      }
    }
  })
})

describe('describeBuildChanges', () => {
  it('tells each change once, in order', () => {
    const states = [pending, sample(), sample({ steps: sample().steps }), failed]
    const lines = states.flatMap((state, index) =>
      describeBuildChanges(states[index - 1] ?? null, state),
    )
    expect(lines).toEqual([
      'build 7  created',
      'build 7  running',
      'clone_repo  completed  3.0s',
      'create_zip  running',
      'create_zip  failed  6.0s',
      'build 7  failed  9.0s  The disk is full',
    ])
  })

  it('begins with what it is where it is first seen, and anew with each attempt', () => {
    expect(describeBuildChanges(null, sample()).slice(0, 2)).toEqual([
      'build 7  created',
      'build 7  running',
    ])
    expect(describeBuildChanges(sample(), { ...sample(), attempt: 2 })).toEqual([
      'build 7  running  attempt 2',
      'clone_repo  completed  3.0s',
      'create_zip  running',
    ])
  })
})

it('draws over what it drew on a terminal, and leaves the whole behind', async () => {
  const { output, shown, written } = createScreen({ rows: 24 })
  const states = (async function* () {
    for (const state of [pending, sample(), failed]) yield await Promise.resolve(state)
  })()
  const last = await showBuild(output, createStyles(false), states)
  expect(last?.status).toBe('failed')
  expect(shown()).toEqual([
    'acme/portal main 01234567',
    '✖ build 7  9.0s',
    '  ✔ Clone Git Repository  3.0s',
    '  ✖ Create ZIP Archive  6.0s',
  ])
  expect(written().endsWith('\u001b[?25h')).toBe(true)
})

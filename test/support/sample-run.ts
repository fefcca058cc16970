import type { Phase, Run, Step, Task } from '@slipway/contract/runs'

const at = (second: number) =>
  new Date(Date.parse('2026-01-01T00:00:00Z') + second * 1000).toISOString()
let count = 0
const id = () => `00000000-0000-4000-8000-${String((count += 1)).padStart(12, '0')}`

const times = (from: number | null, to: number | null) => ({
  started_at: from === null ? null : at(from),
  completed_at: to === null ? null : at(to),
})

/** A run ten seconds old: one phase done, one going on with a failure in it, one to come. */
export function sampleRun(): Run {
  count = 0
  const runId = id()
  const step = (
    name: string,
    status: Step['status'],
    from: number | null,
    to: number | null,
    code: number | null = null,
  ): Step => ({
    id: id(),
    name,
    status,
    exit_code: code,
    logs_url: `/v1/steps/${name}/logs?expires=1&signature=x`,
    ...times(from, to),
  })
  const task = (
    project_name: string,
    status: Task['status'],
    from: number,
    to: number | null,
    steps: Step[],
    attempt = 1,
  ): Task => ({
    id: id(),
    project_name,
    status,
    attempt,
    ...times(from, to),
    steps,
  })
  const phase = (
    name: string,
    status: Phase['status'],
    group_number: number,
    from: number | null,
    to: number | null,
    tasks: Task[],
  ): Phase => ({
    id: id(),
    name,
    group_number,
    status,
    ...times(from, to),
    tasks,
  })
  return {
    id: runId,
    repository: 'acme/shop',
    branch: 'main',
    commit_sha: 'abcdef1234567890abcdef1234567890abcdef12',
    status: 'running',
    triggered_by: 'alice',
    trigger_type: 'manual',
    started_at: at(0),
    completed_at: null,
    phases: [
      phase('check', 'success', 1, 0, 2, [
        task('api', 'success', 0, 2, [
          step('lint', 'success', 0, 1, 0),
          step('types', 'success', 0, 2, 0),
        ]),
      ]),
      phase('build', 'running', 2, 2, null, [
        task('api', 'running', 2, null, [step('compile', 'running', 2, null)], 2),
        task('web', 'failed', 2, 3, [step('bundle', 'failed', 2, 3, 2)]),
      ]),
      phase('publish', 'pending', 3, null, null, []),
    ],
  }
}

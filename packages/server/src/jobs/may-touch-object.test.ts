import { expect, it } from 'vitest'
import { isOfJob } from './may-touch-object.ts'

const id = '018f0000-0000-7000-8000-000000000001'
const runId = '018f0000-0000-7000-8000-000000000002'
const task = { id, type: 'task', run_id: runId, payload: { run_id: runId, project: 'web' } }
const build = { id, type: 'build', run_id: null, payload: { build_id: 7 } }

it('lets a task at what it leaves for artifacts, and at its own result', () => {
  expect(isOfJob(task, `pipeline-runs/${runId}/artifacts/web/site.tar`)).toBe(true)
  expect(isOfJob({ ...task, type: 'artifact' }, `pipeline-runs/${runId}/artifacts/web/x.tar`)).toBe(
    true,
  )
  expect(isOfJob(task, `pipeline-runs/${runId}/results/task/${id}.json`)).toBe(true)
})

it('lets a build at its outputs, of any attempt', () => {
  expect(isOfJob(build, 'builds/7/outputs/1/a.zip')).toBe(true)
  expect(isOfJob(build, 'builds/7/outputs/2/')).toBe(true)
})

it.each([
  [task, `pipeline-runs/${runId}/artifacts/api/site.tar`],
  [task, `pipeline-runs/${runId}/artifacts/web`],
  [task, `pipeline-runs/${runId}/artifacts/webs/site.tar`],
  [task, `pipeline-runs/${runId}/logs/build/web/step.log`],
  [task, `pipeline-runs/${runId}/results/task/${runId}.json`],
  [task, `pipeline-runs/${id}/artifacts/web/site.tar`],
  [task, 'builds/7/outputs/1/a.zip'],
  [{ ...task, type: 'release' }, `pipeline-runs/${runId}/artifacts/web/site.tar`],
  [build, 'builds/70/outputs/1/a.zip'],
  [build, 'builds/7/logs/build.log'],
  [build, 'builds/7/outputs'],
  [build, 'pipeline-runs/null/results/build/x.json'],
])('keeps it from everything else', (job, key) => {
  expect(isOfJob(job, key)).toBe(false)
})

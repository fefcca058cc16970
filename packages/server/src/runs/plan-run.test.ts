import type { ArtifactConfig, ProjectConfig, RepositoryConfig } from '@slipway/forge'
import { describe, expect, it } from 'vitest'
import { planRun } from './plan-run.ts'

const step = (name: string) => ({
  name,
  action: 'run',
  with: { run: 'true' },
  needs: [],
  timeoutMs: 1_000,
  env: {},
  secrets: [],
  image: null,
  network: 'host' as const,
})
const artifact = (name: string, publishers: string[] = []): ArtifactConfig => ({
  name,
  type: 'archive',
  producer: { command: null, path: 'dist' },
  publishers,
})
const project = (name: string, artifacts: ArtifactConfig[] = []): ProjectConfig => ({
  name,
  path: name,
  file: `${name}/.forge/project.yaml`,
  phases: [{ name: 'test', steps: [step('unit')] }],
  artifacts,
  release: { on: [{ type: 'branch', branch: 'main' }] },
  deploy: { resources: [] },
})
const phase = (name: string, group: number) => ({
  name,
  group,
  description: null,
  timeoutMs: 60_000,
  required: false,
})
const repository = (...phases: RepositoryConfig['phases']): RepositoryConfig => ({
  file: '.forge/repo.yaml',
  forgeVersion: '1',
  tagging: { strategy: 'monorepo' },
  phases,
  publishers: [{ name: 'bucket', type: 's3', credentials: null, with: { bucket: 'b' } }],
  environments: [],
})
const run = { id: 'run', branch: 'main', triggerType: 'push', trusted: true } as const
const outline = (plan: ReturnType<typeof planRun>) =>
  plan.phases.map(({ name, group, tasks }) => ({
    name,
    group,
    tasks: tasks.map(
      (task) => `${task.kind} ${task.project} ${task.steps.map((s) => s.name).join()}`,
    ),
  }))

describe('planRun', () => {
  it('puts artifacts and releases behind the last phase', () => {
    const projects = [project('api', [artifact('image'), artifact('docs')]), project('web')]
    const plan = planRun(run, repository(phase('late', 7), phase('test', 2)), projects, new Set())
    expect(outline(plan)).toEqual([
      { name: 'test', group: 2, tasks: ['task api unit', 'task web unit'] },
      { name: 'late', group: 7, tasks: [] },
      { name: 'artifacts', group: 8, tasks: ['artifact api image', 'artifact api docs'] },
      { name: 'release', group: 9, tasks: ['release api release', 'release web release'] },
    ])
    expect(plan.projects.map((p) => p.releaseTrigger)).toEqual(['branch_push', 'branch_push'])
  })

  it('gives an artifact those of its publishers that the repository declares', () => {
    const projects = [project('api', [artifact('image', ['bucket', 'of-the-server'])])]
    const plan = planRun(run, repository(phase('test', 1)), projects, new Set())
    expect(plan.phases[1]?.tasks[0]?.steps[0]?.definition).toMatchObject({
      name: 'image',
      publishers: [{ name: 'bucket', type: 's3' }],
    })
  })

  it('plans neither where nothing is released', () => {
    const projects = [project('api', [artifact('image')])]
    const plan = planRun(
      { ...run, branch: 'topic' },
      repository(phase('test', 1)),
      projects,
      new Set(),
    )
    expect(outline(plan)).toEqual([{ name: 'test', group: 1, tasks: ['task api unit'] }])
    expect(plan.projects[0]?.releaseTrigger).toBeNull()
  })

  it('makes no artifacts again of a commit that is released', () => {
    const projects = [project('api', [artifact('image')])]
    const plan = planRun(run, repository(phase('test', 1)), projects, new Set(['api']))
    expect(outline(plan).map(({ name }) => name)).toEqual(['test', 'release'])
  })

  it('leaves a name to the repository that has a phase of it', () => {
    const phases = [phase('release', 1), phase('release-2', 1), phase('test', 1)]
    const plan = planRun(run, repository(...phases), [project('api')], new Set())
    expect(plan.phases.at(-1)).toMatchObject({ name: 'release-3', group: 2 })
    const key = plan.phases.at(-1)?.tasks[0]?.steps[0]?.logKey
    expect(key).toBe('pipeline-runs/run/logs/release-3/api/release.log')
  })
})

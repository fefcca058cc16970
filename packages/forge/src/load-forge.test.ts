import { expect, test } from 'vitest'
import { loadForge } from './load-forge.ts'
import { oneStep, problemsInRepository, twoPhases } from './testing/load-problems.ts'
import { memoryTree } from './testing/memory-tree.ts'

test('fills in the defaults', async () => {
  const files = {
    '.forge/repo.yaml': twoPhases,
    'services/api/.forge/project.json': JSON.stringify({
      phases: {
        test: { steps: [{ name: 'unit', action: 'npm', script: 'test' }] },
        check: { steps: [{ name: 'lint', run: 'lint', timeout: '90s', env: { N: 1, B: true } }] },
      },
    }),
    'docs/readme.md': 'not read',
  }
  expect(await loadForge(memoryTree(files))).toEqual({
    ok: true,
    repository: {
      file: '.forge/repo.yaml',
      forgeVersion: '1',
      tagging: { strategy: 'monorepo' },
      phases: [
        { name: 'check', group: 1, description: null, timeoutMs: 1_800_000, required: false },
        { name: 'test', group: 2, description: null, timeoutMs: 600_000, required: false },
      ],
      publishers: [],
      environments: [],
    },
    projects: [
      {
        name: 'api',
        path: 'services/api',
        file: 'services/api/.forge/project.json',
        phases: [
          {
            name: 'check',
            steps: [
              {
                name: 'lint',
                action: 'run',
                with: { run: 'lint' },
                timeoutMs: 90_000,
                needs: [],
                env: { N: '1', B: 'true' },
                secrets: [],
                image: null,
                network: 'host',
              },
            ],
          },
          {
            name: 'test',
            steps: [
              {
                name: 'unit',
                action: 'npm',
                with: { script: 'test' },
                timeoutMs: 600_000,
                needs: [],
                env: {},
                secrets: [],
                image: null,
                network: 'host',
              },
            ],
          },
        ],
        artifacts: [],
        release: { on: [] },
        deploy: { resources: [] },
      },
    ],
    nestedRepositories: [],
  })
})

test('a repository file alone is fine and has no projects', async () => {
  const result = await loadForge(memoryTree({ '.forge/repo.json': '{}' }))
  expect(result).toMatchObject({ ok: true, projects: [], repository: { phases: [] } })
})

test('a list of paths may be a stream', async () => {
  const tree = memoryTree({ '.forge/repo.yaml': twoPhases, 'api/.forge/project.yaml': oneStep() })
  async function* paths() {
    yield* await (tree.list() as Promise<string[]>)
  }
  const result = await loadForge({ ...tree, list: paths })
  expect(result).toMatchObject({ ok: true, projects: [{ name: 'api' }] })
})

test('an abort rejects with its reason', async () => {
  const tree = memoryTree({ '.forge/repo.yaml': twoPhases })
  await expect(loadForge(tree, { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow(
    'stop',
  )
})

test('problems are limited in number', async () => {
  const keys = Array.from({ length: 1_000 }, (_, index) => `k${index}: 1`)
  const problems = await problemsInRepository(keys.join('\n'))
  expect(problems).toHaveLength(101)
  expect(problems.at(-1)?.message).toBe('900 more problems are not shown.')
})

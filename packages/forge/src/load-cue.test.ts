import fc from 'fast-check'
import { expect, test } from 'vitest'
import { loadForge } from './load-forge.ts'
import { problemsOf, twoPhases } from './testing/load-problems.ts'
import { memoryTree } from './testing/memory-tree.ts'

test('is read with its attributes, and its problems name the place', async () => {
  const project = (type: string) => `package forge
phases: test: steps: [{name: "a", run: "x"}]
artifacts: api: {type: "${type}", producer: path: "image.tar"}
deploy: resources: [{apiVersion: "v1", kind: "Pod", metadata: name: "x", image: _ @artifact(name="api", field="image")}]
`
  const tree = (type: string) =>
    memoryTree({ '.forge/repo.yaml': twoPhases, 'api/.forge/project.cue': project(type) })
  expect(await loadForge(tree('container'))).toMatchObject({
    ok: true,
    projects: [
      { deploy: { resources: [{ image: { $artifact: { name: 'api', field: 'image' } } }] } },
    ],
  })
  const result = await loadForge(tree('binary'))
  expect(result).toMatchObject({
    ok: false,
    problems: [{ path: '/deploy/resources/0/image/$artifact/field' }],
  })
})

test('a bomb is a problem of its file; the others are still checked', async () => {
  const greedy = 'import "strings"\na: strings.Repeat("x", 1000000000)'
  const files = {
    '.forge/repo.yaml': twoPhases,
    'a/.forge/project.cue': greedy,
    'b/.forge/project.cue': 'nmae: "b"',
  }
  expect(await problemsOf(files)).toMatchObject([
    { file: 'a/.forge/project.cue', path: '', message: expect.stringContaining('memory') },
    { file: 'b/.forge/project.cue', path: '/nmae' },
  ])
})

test('one that loops ends at the time limit', async () => {
  const loop = 'import "list"\nn: list.Range(0, 20000, 1)\na: [for i in n for j in n if j < 0 {j}]'
  const tree = memoryTree({ '.forge/repo.cue': loop })
  const result = await loadForge(tree, { cue: { fileMs: 500 } })
  expect(result).toMatchObject({
    ok: false,
    problems: [{ message: expect.stringContaining('within 0.5 s') }],
  })
})

test('no CUE bytes make it throw', async () => {
  const noise = fc.stringMatching(/^[\n :[\]{}&*|_"'#()@a-f1.,]{0,60}$/)
  const content = fc.oneof(
    noise.map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 100 }).map((array) => Buffer.from(array)),
  )
  const files = fc.sample(content, 60)
  const projects = files.map((bytes, index) => [`p${index}/.forge/project.cue`, bytes])
  const result = await loadForge(
    memoryTree({ '.forge/repo.yaml': twoPhases, ...Object.fromEntries(projects) }),
  )
  expect(typeof result.ok).toBe('boolean')
})

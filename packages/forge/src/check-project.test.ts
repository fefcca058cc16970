import { expect, test } from 'vitest'
import { loadForge } from './load-forge.ts'
import { oneStep, problemsInProject, problemsOf, twoPhases } from './testing/load-problems.ts'
import { memoryTree } from './testing/memory-tree.ts'

test.each([
  ['name: API', '/name', 1, 'lower-case'],
  [
    'phases:\n  tests:\n    steps: [{name: a, run: x}]',
    '/phases/tests',
    2,
    'declares no phase "tests". Did you mean "test"?',
  ],
  [
    'phases:\n  constructor:\n    steps: [{name: a, run: x}]',
    '/phases/constructor',
    2,
    'declares no phase "constructor"',
  ],
  ['phases:\n  test:\n    steps: []', '/phases/test/steps', 3, 'must not be empty'],
  ['phases:\n  test: {}', '/phases/test', 2, 'needs the key "steps"'],
  [oneStep('        nedes: [b]\n'), '/phases/test/steps/0/nedes', 7, 'Did you mean "needs"?'],
  [oneStep('        needs: [b]\n'), '/phases/test/steps/0/needs/0', 7, 'There is no step "b"'],
  [oneStep('        needs: [a]\n'), '/phases/test/steps/0/needs', 7, 'wait for each other: a → a'],
  [oneStep('      - name: a\n        run: x\n'), '/phases/test/steps/1/name', 7, 'taken by step 1'],
  [oneStep('      - run: x\n'), '/phases/test/steps/1', 7, 'needs the key "name"'],
  [oneStep('      - name: b\n'), '/phases/test/steps/1', 7, 'needs the key "run"'],
  [oneStep('        action: mkae\n'), '/phases/test/steps/0/action', 7, 'Did you mean "make"?'],
  [
    oneStep('        target: x\n'),
    '/phases/test/steps/0/target',
    7,
    'There is no key "target" here',
  ],
  [
    oneStep('        image: "Not An Image"\n'),
    '/phases/test/steps/0/image',
    7,
    'must be an image reference',
  ],
  [
    oneStep('        network: bridge\n'),
    '/phases/test/steps/0/network',
    7,
    'must be "host" or "none"',
  ],
  [oneStep('        env: {A-B: 1}\n'), '/phases/test/steps/0/env/A-B', 7, 'a variable name'],
  [
    oneStep('        env: {A: [1]}\n'),
    '/phases/test/steps/0/env/A',
    7,
    'a string, a number or a boolean',
  ],
  [
    oneStep('        env: {A: 1}\n        secrets: [A]\n'),
    '/phases/test/steps/0/secrets/0',
    8,
    'already set',
  ],
  [
    oneStep('        secrets: [{name: npm-token}]\n'),
    '/phases/test/steps/0/secrets/0',
    7,
    'needs the key "env"',
  ],
  [
    oneStep('        secrets: [4]\n'),
    '/phases/test/steps/0/secrets/0',
    7,
    'must be the name of a secret',
  ],
  [oneStep('        timeout: soon\n'), '/phases/test/steps/0/timeout', 7, 'must be a duration'],
  [oneStep('      - {name: b, action: npm}\n'), '/phases/test/steps/1', 7, 'needs "script"'],
  [
    oneStep('      - {name: b, action: npm, script: x, command: ci}\n'),
    '/phases/test/steps/1',
    7,
    'has both',
  ],
  [
    oneStep('      - {name: b, action: make, target: --eval}\n'),
    '/phases/test/steps/1/target',
    7,
    'the name of a make target',
  ],
  [
    oneStep('      - {name: b, action: earthly, target: build}\n'),
    '/phases/test/steps/1/target',
    7,
    'an Earthly target',
  ],
  [
    oneStep('      - {name: b, action: docker-build, context: ../..}\n'),
    '/phases/test/steps/1/context',
    7,
    'inside of the repository',
  ],
  [
    oneStep('      - {name: b, action: docker-build, context: /etc}\n'),
    '/phases/test/steps/1/context',
    7,
    'relative to the project',
  ],
  [
    'release:\n  on:\n    - branch: "(main"',
    '/release/on/0/branch',
    3,
    'must be a regular expression',
  ],
  [
    'release:\n  on:\n    - {branch: main, tag: true}',
    '/release/on/0',
    3,
    'exactly one of the keys',
  ],
  ['release:\n  on:\n    - tag: false', '/release/on/0/tag', 3, 'must be true, not false'],
  [
    'artifacts:\n  x: {type: binary, producer: {run: make}}',
    '/artifacts/x/producer',
    2,
    'needs the key "path"',
  ],
  [
    'artifacts:\n  x: {type: jar, producer: {path: a}}',
    '/artifacts/x/type',
    2,
    'must be "container", "binary" or "archive"',
  ],
  [
    'artifacts:\n  x: {type: binary, producer: {path: a}, publishers: [y]}',
    '/artifacts/x/publishers/0',
    2,
    'There is no publisher "y"',
  ],
  [
    'deploy:\n  resources:\n    - kind: Pod\n      metadata: {name: x}',
    '/deploy/resources/0',
    3,
    'needs the key "apiVersion"',
  ],
])('%j is a problem at %s, line %d', async (content, path, line, message) => {
  const problems = await problemsInProject(content)
  expect(problems).toMatchObject([
    { file: 'api/.forge/project.yaml', path, line, message: expect.stringContaining(message) },
  ])
})

test('a script longer than a command line takes is refused', async () => {
  const [problem] = await problemsInProject(
    oneStep(`      - {name: b, run: "${'x'.repeat(102_401)}"}\n`),
  )
  expect(problem).toMatchObject({ path: '/phases/test/steps/1/run', line: 7 })
})

test('a longer circle of needs is named whole', async () => {
  const steps =
    '[{name: a, run: x, needs: [b]}, {name: b, run: x, needs: [c]}, {name: c, run: x, needs: [a]}]'
  const [problem] = await problemsInProject(`phases:\n  test:\n    steps: ${steps}`)
  expect(problem?.message).toBe('The steps wait for each other: a → b → c → a.')
})

test('references to artifacts are checked where they stand', async () => {
  const content = `
artifacts: {api: {type: container, producer: {path: image.tar}}, cli: {type: binary, producer: {path: cli}}}
deploy:
  resources:
    - apiVersion: v1
      kind: Pod
      metadata: {name: x}
      spec:
        ok: {$artifact: {name: api, field: image}}
        a: {$artifact: {name: apo, field: image}}
        b: {$artifact: {name: api, field: imag}}
        c: {$artifact: {name: cli, field: image}}
        d: {$artifact: api}
        e: {$artifact: {name: api, field: uri}, more: 1}
`
  const at = (key: string) => `/deploy/resources/0/spec/${key}/$artifact`
  expect(await problemsInProject(content)).toMatchObject([
    {
      path: `${at('a')}/name`,
      line: 10,
      message: 'The project has no artifact "apo". Did you mean "api"?',
    },
    {
      path: `${at('b')}/field`,
      line: 11,
      message: expect.stringContaining('Did you mean "image"?'),
    },
    { path: `${at('c')}/field`, line: 12, message: expect.stringContaining('is for containers') },
    { path: at('d'), line: 13, message: expect.stringContaining('"name" and "field"') },
    { path: at('e'), line: 14, message: expect.stringContaining('no other keys') },
  ])
})

test('required phases must be there, and names unique', async () => {
  const files = {
    '.forge/repo.yaml': 'phases: {check: {required: true}}',
    'a/.forge/project.yaml': 'phases: {check: {steps: [{name: a, run: x}]}}',
    'b/.forge/project.yaml': '\nname: a\n',
  }
  expect(await problemsOf(files)).toMatchObject([
    {
      file: 'b/.forge/project.yaml',
      path: '',
      line: 2,
      message: expect.stringContaining('"check" is required'),
    },
    {
      file: 'b/.forge/project.yaml',
      path: '/name',
      line: 2,
      message: expect.stringContaining('taken by a/.forge/project.yaml'),
    },
  ])
})

test('a project needs a name where its directory gives none', async () => {
  const files = {
    '.forge/repo.yaml': twoPhases,
    '.forge/project.yaml': '{}',
    'My App/.forge/project.yaml': '{}',
  }
  expect(await problemsOf(files)).toMatchObject([
    { file: '.forge/project.yaml', message: 'A project at the root needs the key "name".' },
    {
      file: 'My App/.forge/project.yaml',
      message: expect.stringContaining('"My App" cannot be'),
    },
  ])
})

test.each([
  ['container', '{type: s3, bucket: abc}', 'A container goes to registries'],
  ['container', '{type: npm}', 'A container goes to registries'],
  ['binary', '{type: npm}', 'takes archives, not binaries'],
])('a %s does not go to %s', async (type, publisher, message) => {
  const problems = await problemsOf({
    '.forge/repo.yaml': `publishers: {y: ${publisher}}`,
    'p/.forge/project.yaml': `artifacts: {x: {type: ${type}, producer: {path: a}, publishers: [y]}}`,
  })
  expect(problems).toMatchObject([
    { path: '/artifacts/x/publishers/0', message: expect.stringContaining(message) },
  ])
})

test('publishers of the server may be named too', async () => {
  const tree = memoryTree({
    '.forge/repo.yaml': twoPhases,
    'api/.forge/project.yaml':
      'artifacts: {x: {type: binary, producer: {path: a}, publishers: [central]}}',
  })
  expect(await loadForge(tree, { publishers: ['central'] })).toMatchObject({ ok: true })
})

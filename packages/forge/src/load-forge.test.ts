import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { initForge } from './init-forge.ts'
import { forgeFormats } from './forge-files.ts'
import { loadForge } from './load-forge.ts'
import type { ConfigurationProblem } from './problems.ts'
import { memoryTree } from './testing/memory-tree.ts'

const repo = 'phases:\n  check: {}\n  test: {group: 2, timeout: 10m}\n'
const step = (more = '') => `name: api\nphases:\n  test:\n    steps:\n      - name: a\n        run: make\n${more}`

async function problemsOf(files: Record<string, string | Buffer>): Promise<ConfigurationProblem[]> {
  const result = await loadForge(memoryTree(files))
  return result.ok ? [] : result.problems
}

/** Problems of a project file beside a repository file that is fine. */
async function problemsInProject(content: string): Promise<ConfigurationProblem[]> {
  return problemsOf({ '.forge/repo.yaml': repo, 'api/.forge/project.yaml': content })
}

async function problemsInRepository(content: string): Promise<ConfigurationProblem[]> {
  return problemsOf({ '.forge/repo.yaml': content })
}

test('fills in the defaults', async () => {
  const files = {
    '.forge/repo.yaml': repo,
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
  const tree = memoryTree({ '.forge/repo.yaml': repo, 'api/.forge/project.yaml': step() })
  async function* paths() {
    yield* await (tree.list() as Promise<string[]>)
  }
  const result = await loadForge({ ...tree, list: paths })
  expect(result).toMatchObject({ ok: true, projects: [{ name: 'api' }] })
})

describe('files', () => {
  test('no configuration at all says what to add', async () => {
    const [problem] = await problemsOf({ 'README.md': '' })
    expect(problem).toMatchObject({ file: '.forge/repo.yaml', path: '' })
    expect(problem?.message).toContain('slipway init')
  })

  test('a project without a repository file says what to add', async () => {
    const [problem] = await problemsOf({ 'api/.forge/project.yaml': step() })
    expect(problem).toMatchObject({ file: '.forge/repo.yaml', path: '' })
    expect(problem?.message).toContain('api/.forge/project.yaml')
  })

  test('two formats of one file are refused', async () => {
    const files = { '.forge/repo.yaml': repo, '.forge/repo.json': '{}', 'a/.forge/project.json': '{}', 'a/.forge/project.yaml': '{}' }
    expect(await problemsOf(files)).toMatchObject([
      { file: '.forge/repo.yaml', message: 'There is .forge/repo.json already; keep one format of the file.' },
      { file: 'a/.forge/project.yaml', message: 'There is a/.forge/project.json already; keep one format of the file.' },
    ])
  })

  test('.yml is refused instead of being skipped', async () => {
    expect(await problemsOf({ '.forge/repo.yaml': repo, 'a/.forge/project.yml': '{}' })).toMatchObject([
      { file: 'a/.forge/project.yml', message: expect.stringContaining('rename') },
    ])
  })

  test('a directory with a repository file of its own is a repository of its own', async () => {
    const result = await loadForge(
      memoryTree({
        '.forge/repo.yaml': repo,
        'api/.forge/project.yaml': step(),
        'examples/x/.forge/repo.yaml': 'broken: [',
        'examples/x/y/.forge/project.yaml': 'broken: [',
        'examples/x/y/z/.forge/repo.yaml': '',
        'examples/xy/.forge/project.yaml': '{}',
      }),
    )
    expect(result).toMatchObject({
      ok: true,
      projects: [{ path: 'api' }, { path: 'examples/xy' }],
      nestedRepositories: ['examples/x'],
    })
  })

  test.each([
    ['empty', ' \n', 'The file is empty'],
    ['not UTF-8', Buffer.from([0x61, 0x3a, 0xff]), 'not UTF-8'],
    ['a list', '- 1\n', 'must be an object, not a list'],
    ['too large', `#${' '.repeat(300_000)}`, 'larger than 256 KiB'],
  ])('a file that is %s is refused', async (_, content, message) => {
    const [problem] = await problemsOf({ '.forge/repo.yaml': content })
    expect(problem).toMatchObject({ file: '.forge/repo.yaml', path: '' })
    expect(problem?.message).toContain(message)
  })

  test('broken syntax has its line, and the other files are checked all the same', async () => {
    const files = {
      '.forge/repo.json': '{\n  "phases": {\n}',
      'a/.forge/project.yaml': 'name: a\nphases: {a: b: c}\n',
      'b/.forge/project.yaml': 'name: b\nnmae: c\n',
    }
    expect(await problemsOf(files)).toMatchObject([
      { file: '.forge/repo.json', path: '', line: 3 },
      { file: 'a/.forge/project.yaml', path: '', line: 2 },
      { file: 'b/.forge/project.yaml', path: '/nmae', line: 2 },
    ])
  })

  test('more projects than the limit are refused', async () => {
    const projects = Array.from({ length: 501 }, (_, index) => [`p${index}/.forge/project.json`, '{}'])
    const problems = await problemsOf({ '.forge/repo.yaml': repo, ...Object.fromEntries(projects) })
    expect(problems).toMatchObject([{ message: 'The repository has 501 projects; at most 500 are allowed.' }])
  })

  test('more steps than the limit are refused', async () => {
    const steps = Array.from({ length: 100 }, (_, index) => ({ name: `s${index}`, run: 'x' }))
    const content = JSON.stringify({ phases: { test: { steps } } })
    const projects = Array.from({ length: 51 }, (_, index) => [`p${index}/.forge/project.json`, content])
    const problems = await problemsOf({ '.forge/repo.yaml': repo, ...Object.fromEntries(projects) })
    expect(problems).toMatchObject([{ message: 'The projects have 5100 steps together; at most 5000 are allowed.' }])
  })

  test('more bytes than the limit are not read', async () => {
    const content = `{"name":"x"}${' '.repeat(1_000_000)}`
    const projects = Array.from({ length: 10 }, (_, index) => [`p${index}/.forge/project.json`, content.replace('x', `p${index}`)])
    const problems = await problemsOf({ '.forge/repo.yaml': repo, ...Object.fromEntries(projects) })
    expect(problems[0]?.message).toContain('more than 8 MiB')
  })
})

describe('the repository file', () => {
  test.each([
    ['phasse: {}', '/phasse', 1, 'Did you mean "phases"?'],
    ['phases:\n  check:\n    timeout: 30', '/phases/check/timeout', 3, 'Put it in quotes'],
    ['phases:\n  check:\n    timeout: 3d', '/phases/check/timeout', 3, 'must be a duration such as 30m'],
    ['phases:\n  check:\n    timeout: 25h', '/phases/check/timeout', 3, 'from 1s to 24h'],
    ['phases:\n  check:\n    group: 0', '/phases/check/group', 3, 'must be a whole number from 1 to 100, not 0'],
    ['phases:\n  check:\n    required: sometimes', '/phases/check/required', 3, 'must be true or false'],
    ['phases:\n  a/b: {}', '/phases/a~1b', 2, 'The key must be a name'],
    ['phases:\n  check: fast', '/phases/check', 2, 'must be an object, not "fast"'],
    ['tagging:\n  strategy: tagall', '/tagging/strategy', 2, 'Did you mean "tag-all"?'],
    ['tagging: {}', '/tagging', 1, 'needs the key "strategy"'],
    ['forgeVersion: "2.0"', '/forgeVersion', 1, 'must be the version of this format'],
    ['publishers:\n  x:\n    type: ocy', '/publishers/x/type', 3, 'Did you mean "oci"?'],
    ['publishers:\n  x:\n    registry: y', '/publishers/x', 2, 'needs the key "type"'],
    ['publishers:\n  x:\n    type: oci\n    registry: http://y', '/publishers/x/registry', 4, 'must be a registry such as'],
    ['environments:\n  prod:\n    branches: ["rel[ease]"]', '/environments/prod/branches/0', 3, 'may have only * and **'],
    ['environments:\n  prod:\n    triggers: [push]', '/environments/prod/triggers/0', 3, 'must be "branch", "tag" or "manual"'],
    ['environments:\n  prod:\n    approval: {expires: 1s}', '/environments/prod/approval/expires', 3, 'from 1m to 720h'],
    ['environments:\n  prod:\n    approval: {required: false, approvals: 2}', '/environments/prod/approval/approvals', 3, '"required" is false'],
    ['environments:\n  prod:\n    logRetention: 0', '/environments/prod/logRetention', 3, 'must be a whole number from 1 to 3650'],
  ])('%j is a problem at %s, line %d', async (content, path, line, message) => {
    const problems = await problemsInRepository(content)
    expect(problems).toMatchObject([{ file: '.forge/repo.yaml', path, line, message: expect.stringContaining(message) }])
  })

  test('has at most 50 phases', async () => {
    const phases = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`p${index}`, {}]))
    const [problem] = await problemsOf({ '.forge/repo.json': JSON.stringify({ phases }) })
    expect(problem).toMatchObject({ path: '/phases', line: 1, message: 'must have at most 50 entries, not 51.' })
  })
})

describe('a project file', () => {
  test.each([
    ['name: API', '/name', 1, 'lower-case'],
    ['phases:\n  tests:\n    steps: [{name: a, run: x}]', '/phases/tests', 2, 'declares no phase "tests". Did you mean "test"?'],
    ['phases:\n  constructor:\n    steps: [{name: a, run: x}]', '/phases/constructor', 2, 'declares no phase "constructor"'],
    ['phases:\n  test:\n    steps: []', '/phases/test/steps', 3, 'must not be empty'],
    ['phases:\n  test: {}', '/phases/test', 2, 'needs the key "steps"'],
    [step('        nedes: [b]\n'), '/phases/test/steps/0/nedes', 7, 'Did you mean "needs"?'],
    [step('        needs: [b]\n'), '/phases/test/steps/0/needs/0', 7, 'There is no step "b"'],
    [step('        needs: [a]\n'), '/phases/test/steps/0/needs', 7, 'wait for each other: a → a'],
    [step('      - name: a\n        run: x\n'), '/phases/test/steps/1/name', 7, 'taken by step 1'],
    [step('      - run: x\n'), '/phases/test/steps/1', 7, 'needs the key "name"'],
    [step('      - name: b\n'), '/phases/test/steps/1', 7, 'needs the key "run"'],
    [step('        action: mkae\n'), '/phases/test/steps/0/action', 7, 'Did you mean "make"?'],
    [step('        target: x\n'), '/phases/test/steps/0/target', 7, 'There is no key "target" here'],
    [step('        image: "Not An Image"\n'), '/phases/test/steps/0/image', 7, 'must be an image reference'],
    [step('        network: bridge\n'), '/phases/test/steps/0/network', 7, 'must be "host" or "none"'],
    [step('        env: {A-B: 1}\n'), '/phases/test/steps/0/env/A-B', 7, 'a variable name'],
    [step('        env: {A: [1]}\n'), '/phases/test/steps/0/env/A', 7, 'a string, a number or a boolean'],
    [step('        env: {A: 1}\n        secrets: [A]\n'), '/phases/test/steps/0/secrets/0', 8, 'already set'],
    [step('        secrets: [{name: npm-token}]\n'), '/phases/test/steps/0/secrets/0', 7, 'needs the key "env"'],
    [step('        secrets: [4]\n'), '/phases/test/steps/0/secrets/0', 7, 'must be the name of a secret'],
    [step('        timeout: soon\n'), '/phases/test/steps/0/timeout', 7, 'must be a duration'],
    [step('      - {name: b, action: npm}\n'), '/phases/test/steps/1', 7, 'needs "script"'],
    [step('      - {name: b, action: npm, script: x, command: ci}\n'), '/phases/test/steps/1', 7, 'has both'],
    [step('      - {name: b, action: make, target: --eval}\n'), '/phases/test/steps/1/target', 7, 'the name of a make target'],
    [step('      - {name: b, action: earthly, target: build}\n'), '/phases/test/steps/1/target', 7, 'an Earthly target'],
    [step('      - {name: b, action: docker-build, context: ../..}\n'), '/phases/test/steps/1/context', 7, 'inside of the repository'],
    [step('      - {name: b, action: docker-build, context: /etc}\n'), '/phases/test/steps/1/context', 7, 'relative to the project'],
    ['release:\n  on:\n    - branch: "(main"', '/release/on/0/branch', 3, 'must be a regular expression'],
    ['release:\n  on:\n    - {branch: main, tag: true}', '/release/on/0', 3, 'exactly one of the keys'],
    ['release:\n  on:\n    - tag: false', '/release/on/0/tag', 3, 'must be true, not false'],
    ['artifacts:\n  x: {type: binary, producer: {run: make}}', '/artifacts/x/producer', 2, 'needs the key "path"'],
    ['artifacts:\n  x: {type: jar, producer: {path: a}}', '/artifacts/x/type', 2, 'must be "container", "binary" or "archive"'],
    ['artifacts:\n  x: {type: binary, producer: {path: a}, publishers: [y]}', '/artifacts/x/publishers/0', 2, 'There is no publisher "y"'],
    ['deploy:\n  resources:\n    - kind: Pod\n      metadata: {name: x}', '/deploy/resources/0', 3, 'needs the key "apiVersion"'],
  ])('%j is a problem at %s, line %d', async (content, path, line, message) => {
    const problems = await problemsInProject(content)
    expect(problems).toMatchObject([
      { file: 'api/.forge/project.yaml', path, line, message: expect.stringContaining(message) },
    ])
  })

  test('a script longer than a command line takes is refused', async () => {
    const [problem] = await problemsInProject(step(`      - {name: b, run: "${'x'.repeat(102_401)}"}\n`))
    expect(problem).toMatchObject({ path: '/phases/test/steps/1/run', line: 7 })
  })

  test('a longer circle of needs is named whole', async () => {
    const steps = '[{name: a, run: x, needs: [b]}, {name: b, run: x, needs: [c]}, {name: c, run: x, needs: [a]}]'
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
      { path: `${at('a')}/name`, line: 10, message: 'The project has no artifact "apo". Did you mean "api"?' },
      { path: `${at('b')}/field`, line: 11, message: expect.stringContaining('Did you mean "image"?') },
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
      { file: 'b/.forge/project.yaml', path: '', line: 2, message: expect.stringContaining('"check" is required') },
      { file: 'b/.forge/project.yaml', path: '/name', line: 2, message: expect.stringContaining('taken by a/.forge/project.yaml') },
    ])
  })

  test('a project needs a name where its directory gives none', async () => {
    const files = { '.forge/repo.yaml': repo, '.forge/project.yaml': '{}', 'My App/.forge/project.yaml': '{}' }
    expect(await problemsOf(files)).toMatchObject([
      { file: '.forge/project.yaml', message: 'A project at the root needs the key "name".' },
      { file: 'My App/.forge/project.yaml', message: expect.stringContaining('"My App" cannot be') },
    ])
  })

  test('publishers of the server may be named too', async () => {
    const tree = memoryTree({
      '.forge/repo.yaml': repo,
      'api/.forge/project.yaml': 'artifacts: {x: {type: binary, producer: {path: a}, publishers: [central]}}',
    })
    expect(await loadForge(tree, { publishers: ['central'] })).toMatchObject({ ok: true })
  })
})

describe('CUE', () => {
  test('is read with its attributes, and its problems name the place', async () => {
    const project = (type: string) => `package forge
phases: test: steps: [{name: "a", run: "x"}]
artifacts: api: {type: "${type}", producer: path: "image.tar"}
deploy: resources: [{apiVersion: "v1", kind: "Pod", metadata: name: "x", image: _ @artifact(name="api", field="image")}]
`
    const tree = (type: string) => memoryTree({ '.forge/repo.yaml': repo, 'api/.forge/project.cue': project(type) })
    expect(await loadForge(tree('container'))).toMatchObject({
      ok: true,
      projects: [{ deploy: { resources: [{ image: { $artifact: { name: 'api', field: 'image' } } }] } }],
    })
    const result = await loadForge(tree('binary'))
    expect(result).toMatchObject({ ok: false, problems: [{ path: '/deploy/resources/0/image/$artifact/field' }] })
  })

  test('a bomb is a problem of its file; the others are still checked', async () => {
    const greedy = 'import "strings"\na: strings.Repeat("x", 1000000000)'
    const files = { '.forge/repo.yaml': repo, 'a/.forge/project.cue': greedy, 'b/.forge/project.cue': 'nmae: "b"' }
    expect(await problemsOf(files)).toMatchObject([
      { file: 'a/.forge/project.cue', path: '', message: expect.stringContaining('memory') },
      { file: 'b/.forge/project.cue', path: '/nmae' },
    ])
  })

  test('one that loops ends at the time limit', async () => {
    const loop = 'import "list"\nn: list.Range(0, 20000, 1)\na: [for i in n for j in n if j < 0 {j}]'
    const tree = memoryTree({ '.forge/repo.cue': loop })
    const result = await loadForge(tree, { cue: { fileMs: 500 } })
    expect(result).toMatchObject({ ok: false, problems: [{ message: expect.stringContaining('within 0.5 s') }] })
  })
})

test('an abort rejects with its reason', async () => {
  const tree = memoryTree({ '.forge/repo.yaml': repo })
  await expect(loadForge(tree, { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop')
})

test('problems are limited in number', async () => {
  const keys = Array.from({ length: 1_000 }, (_, index) => `k${index}: 1`)
  const problems = await problemsInRepository(keys.join('\n'))
  expect(problems).toHaveLength(101)
  expect(problems.at(-1)?.message).toBe('900 more problems are not shown.')
})

test.each(forgeFormats)('what init writes in %s loads', async (format) => {
  const files = initForge(format, { project: 'My Shop!' })
  const tree = memoryTree(Object.fromEntries(files.map(({ path, content }) => [path, content])))
  const result = await loadForge(tree)
  expect(result).toMatchObject({ ok: true, projects: [{ name: 'my-shop', path: '.' }] })
})

test('what init writes means the same in every format', async () => {
  const results = await Promise.all(
    forgeFormats.map(async (format) => {
      const files = initForge(format).map(({ path, content }) => [path, content])
      const result = await loadForge(memoryTree(Object.fromEntries(files)))
      return JSON.parse(JSON.stringify(result).replaceAll(`.${format}"`, '"')) as unknown
    }),
  )
  expect(results[0]).toEqual(results[1])
  expect(results[0]).toEqual(results[2])
})

test('no bytes make it throw', async () => {
  const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
  const yamlLike = fc.stringMatching(/^[\n :\-[\]{}&*!|>'"a-f1]{0,60}$/).map((text) => Buffer.from(text))
  const data = fc.json({ maxDepth: 3 }).map((text) => Buffer.from(text))
  const structured = fc
    .dictionary(fc.constantFrom('name', 'phases', 'artifacts', 'release', 'deploy', 'environments', 'publishers', 'tagging'), fc.jsonValue({ maxDepth: 4 }))
    .map((value) => Buffer.from(JSON.stringify(value)))
  const file = fc.oneof(bytes, yamlLike, data, structured)
  const format = fc.constantFrom('yaml', 'json')
  await fc.assert(
    fc.asyncProperty(file, file, format, format, async (first, second, one, two) => {
      const tree = memoryTree({ [`.forge/repo.${one}`]: first, [`a/.forge/project.${two}`]: second })
      const result = await loadForge(tree)
      expect(result.ok || result.problems.length > 0).toBe(true)
    }),
    { numRuns: 300 },
  )
})

test('no CUE bytes make it throw', async () => {
  const noise = fc.stringMatching(/^[\n :[\]{}&*|_"'#()@a-f1.,]{0,60}$/)
  const content = fc.oneof(noise.map((text) => Buffer.from(text)), fc.uint8Array({ maxLength: 100 }).map((array) => Buffer.from(array)))
  const files = fc.sample(content, 60)
  const projects = files.map((bytes, index) => [`p${index}/.forge/project.cue`, bytes])
  const result = await loadForge(memoryTree({ '.forge/repo.yaml': repo, ...Object.fromEntries(projects) }))
  expect(typeof result.ok).toBe('boolean')
})

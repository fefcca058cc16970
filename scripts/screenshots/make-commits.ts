import { createRepository, type TestRepository } from '../../test/support/git-repository.ts'

/** A project of a repository: what its pipeline does, and what of it is deployed. */
interface Project {
  name: string
  directory: string
  tests: readonly string[]
  /** Null: it is released nowhere. */
  replicas: number | null
}

export interface Commits {
  readonly repository: string
  /** The next commit: `change` is what it is about. */
  commit(change: Change): Promise<string>
}

export interface Change {
  branch?: string
  /** Of the project that is deployed: how many of it. */
  replicas?: number
  /** Name of a test that fails. */
  failing?: string
  /** Its tests go on until they are cancelled. */
  endless?: boolean
}

/** Makes `owner/name` with these projects, whose steps print what such steps print. */
export async function makeCommits(
  base: string,
  repository: string,
  projects: readonly Project[],
): Promise<Commits> {
  const made: TestRepository = await createRepository(base, repository)
  let count = 0
  return {
    repository,
    async commit({ branch = 'main', replicas, failing, endless = false }) {
      count += 1
      const files: Record<string, string> = {
        'CHANGES.md': `Change ${count}\n`,
        '.forge/repo.yaml': repositoryFile,
      }
      for (const project of projects) {
        const at = project.directory === '.' ? '' : `${project.directory}/`
        const wanted = project.replicas === null ? null : (replicas ?? project.replicas)
        files[`${at}.forge/project.json`] = projectFile({ ...project, replicas: wanted })
        files[`${at}ci/lint.sh`] = lintScript
        files[`${at}ci/test.sh`] = testScript(project, { failing, endless })
        files[`${at}ci/bundle.sh`] = bundleScript
      }
      return made.commit(files, branch)
    },
  }
}

const repositoryFile = `forgeVersion: '1'
phases:
  check: { group: 1, required: true }
  test: { group: 2 }
  build: { group: 3 }
`

function projectFile({ name, replicas }: Project): string {
  const released = {
    artifacts: { bundle: { type: 'archive', producer: { path: 'dist' } } },
    release: { on: [{ branch: 'main' }, { manual: true }] },
    deploy: { resources: [manifest(name, replicas ?? 1)] },
  }
  return JSON.stringify({
    name,
    phases: {
      check: {
        steps: [
          { name: 'lint', run: 'sh ci/lint.sh' },
          { name: 'types', run: 'echo "0 errors"' },
        ],
      },
      test: {
        steps: [
          { name: 'unit', run: 'sh ci/test.sh' },
          { name: 'coverage', needs: ['unit'], run: 'echo "Statements 93.4 %, branches 88.1 %"' },
        ],
      },
      build: { steps: [{ name: 'bundle', run: 'sh ci/bundle.sh' }] },
    },
    ...(replicas === null ? {} : released),
  })
}

function manifest(name: string, replicas: number) {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels: { app: name } },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          containers: [
            {
              name,
              image: `registry.kestrel.example/${name}`,
              env: [{ name: 'BUNDLE', value: { $artifact: { name: 'bundle', field: 'uri' } } }],
              resources: { requests: { cpu: '250m', memory: `${128 * replicas}Mi` } },
            },
          ],
        },
      },
    },
  }
}

const lintScript = `for file in src/cart.ts src/catalogue.ts src/checkout.ts src/delivery.ts; do
  printf '\\033[32m✔\\033[0m %s\\n' "$file"
done
printf '\\033[1m4 files, no problems\\033[0m\\n'
`

const bundleScript = `mkdir -p dist
for part in index cart checkout vendor; do
  printf 'console.log("%s")\\n' "$part" > "dist/$part.js"
  printf 'dist/%-14s \\033[36m%5s kB\\033[0m \\033[2m│ gzip %5s kB\\033[0m\\n' "$part.js" 48.21 16.04
done
printf '\\033[32m✔ built in 1.92 s\\033[0m\\n'
`

function testScript(
  { name, tests }: Project,
  change: { failing: string | undefined; endless: boolean },
): string {
  const lines = [
    `pass() { printf '  \\033[32m✓\\033[0m %s \\033[2m%s ms\\033[0m\\n' "$1" "$2"; }`,
    `printf '\\033[1m%s\\033[0m\\n' '${name}'`,
    ...tests
      .filter((test) => test !== change.failing)
      .map((test, n) => `pass '${test}' ${3 + ((n * 7) % 31)}; sleep 0.1`),
  ]
  if (change.failing !== undefined && tests.includes(change.failing)) {
    lines.push(
      `printf '  \\033[31m✗ %s\\033[0m\\n' '${change.failing}'`,
      `printf '    \\033[31mAssertionError: expected 402 to be 200\\033[0m\\n'`,
      `printf '    \\033[2mat test/payments.test.ts:88:31\\033[0m\\n'`,
      'exit 1',
    )
  }
  if (change.endless) lines.push(`round=1; while :; do`, ...rounds, `done`)
  lines.push(`printf '\\033[32m%s passed\\033[0m\\n' ${tests.length}`)
  return `${lines.join('\n')}\n`
}

const rounds = [
  `printf '\\033[1mbrowser, round %s\\033[0m\\n' "$round"; round=$((round + 1))`,
  ...[
    'signs in',
    'finds a product',
    'changes the amount',
    'pays with a card',
    'sees the delivery date',
  ].map((test, n) => `pass '${test}' ${140 + n * 63}; sleep 0.4`),
]

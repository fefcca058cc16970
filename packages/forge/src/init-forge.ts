import type { ForgeFormat } from './forge-files.ts'
import { projectNamePattern } from './schema/fields.ts'

export interface InitForgeOptions {
  /** Name of the project at the root; made into an allowed one where it is none. Default "app". */
  project?: string
}

/**
 * The files that `slipway init` writes: a repository file with three phases and a project at
 * the root that takes part in them. They load without a problem in every format.
 */
export function initForge(
  format: ForgeFormat,
  options: InitForgeOptions = {},
): { path: string; content: string }[] {
  const { repository, project } = templates[format]
  const name = projectName(options.project ?? 'app')
  return [
    { path: `.forge/repo.${format}`, content: repository },
    { path: `.forge/project.${format}`, content: project.replaceAll('PROJECT', name) },
  ]
}

function projectName(wish: string): string {
  const name = wish
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '')
    .slice(0, 63)
    .replace(/[._-]+$/, '')
  return new RegExp(projectNamePattern).test(name) ? name : 'app'
}

const yamlRepository = `# What holds for the whole repository. All keys: docs/configuration.md
forgeVersion: '1'

tagging:
  # monorepo: a tag <project>/v1.2.3 releases that project. tag-all: a tag v1.2.3 releases all.
  strategy: monorepo

# Groups run one after the other, the phases of a group in parallel.
phases:
  check:
    group: 1
    description: Formatting, lint and types
    timeout: 10m
  test:
    group: 2
    description: Automated tests
  build:
    group: 3
    description: What is released
`

const yamlProject = `# One project. A repository may have many, each with a .forge/project file in its directory.
name: PROJECT

phases:
  check:
    steps:
      - name: lint
        run: echo "Put your linter here"
  test:
    steps:
      # Steps run in parallel unless needs orders them.
      - name: unit
        run: echo "Put your tests here"
      - name: report
        needs: [unit]
        run: echo "Runs when unit has succeeded"
  build:
    steps:
      - name: build
        run: |
          mkdir -p dist
          echo "Put your build here" > dist/README

# What a release consists of, and when one is made.
artifacts:
  dist:
    type: archive
    producer:
      path: dist

release:
  on:
    - branch: main
    - tag: true
    - manual: true
`

const cueRepository = `package forge

// What holds for the whole repository. All keys: docs/configuration.md
forgeVersion: "1"

// monorepo: a tag <project>/v1.2.3 releases that project. tag-all: a tag v1.2.3 releases all.
tagging: strategy: "monorepo"

// Groups run one after the other, the phases of a group in parallel.
phases: {
	check: {
		group:       1
		description: "Formatting, lint and types"
		timeout:     "10m"
	}
	test: {
		group:       2
		description: "Automated tests"
	}
	build: {
		group:       3
		description: "What is released"
	}
}
`

const cueProject = `package forge

// One project. A repository may have many, each with a .forge/project file in its directory.
name: "PROJECT"

phases: check: steps: [
	{name: "lint", run: "echo \\"Put your linter here\\""},
]

// Steps run in parallel unless needs orders them.
phases: test: steps: [
	{name: "unit", run: "echo \\"Put your tests here\\""},
	{
		name: "report"
		needs: ["unit"]
		run: "echo \\"Runs when unit has succeeded\\""
	},
]

phases: build: steps: [{
	name: "build"
	run: """
		mkdir -p dist
		echo "Put your build here" > dist/README

		"""
}]

// What a release consists of, and when one is made.
artifacts: dist: {
	type: "archive"
	producer: path: "dist"
}

release: on: [{branch: "main"}, {tag: true}, {manual: true}]
`

const jsonRepository = `{
  "forgeVersion": "1",
  "tagging": { "strategy": "monorepo" },
  "phases": {
    "check": { "group": 1, "description": "Formatting, lint and types", "timeout": "10m" },
    "test": { "group": 2, "description": "Automated tests" },
    "build": { "group": 3, "description": "What is released" }
  }
}
`

const jsonProject = `{
  "name": "PROJECT",
  "phases": {
    "check": {
      "steps": [{ "name": "lint", "run": "echo \\"Put your linter here\\"" }]
    },
    "test": {
      "steps": [
        { "name": "unit", "run": "echo \\"Put your tests here\\"" },
        { "name": "report", "needs": ["unit"], "run": "echo \\"Runs when unit has succeeded\\"" }
      ]
    },
    "build": {
      "steps": [
        {
          "name": "build",
          "run": "mkdir -p dist\\necho \\"Put your build here\\" > dist/README\\n"
        }
      ]
    }
  },
  "artifacts": { "dist": { "type": "archive", "producer": { "path": "dist" } } },
  "release": { "on": [{ "branch": "main" }, { "tag": true }, { "manual": true }] }
}
`

const templates: Record<ForgeFormat, { repository: string; project: string }> = {
  yaml: { repository: yamlRepository, project: yamlProject },
  cue: { repository: cueRepository, project: cueProject },
  json: { repository: jsonRepository, project: jsonProject },
}

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { Ajv } from 'ajv'
import { parse, parseAllDocuments } from 'yaml'
import { repositoryRoot } from './markdown.ts'

export type Values = { [name: string]: unknown }

export interface ChartObject {
  apiVersion: string
  kind: string
  metadata: {
    name: string
    namespace?: string
    labels?: Record<string, string>
    annotations?: Record<string, string>
  }
  spec?: unknown
}

export interface HelmChart {
  /** What the chart's schema has against these values, laid over its own. */
  problems(values: Values): string[]
  /** All objects of a release `slipway` in the namespace `ci`; an error has what the templates say. */
  render(values: Values): Promise<ChartObject[]>
  close(): Promise<void>
}

/** A chart of deploy/helm, rendered by Go's templates: see helm-render/main.go. */
export async function openHelmChart(name: string): Promise<HelmChart> {
  const folder = join(repositoryRoot, 'deploy/helm', name)
  const scratch = await mkdtemp(join(tmpdir(), 'slipway-helm-'))
  const program = join(scratch, 'helm-render')
  await promisify(execFile)('go', ['build', '-o', program, '.'], {
    cwd: join(repositoryRoot, 'test/support/helm-render'),
    env: {
      PATH: process.env['PATH'],
      HOME: scratch,
      // Sprig is a package of Debian's, and nothing is fetched.
      GO111MODULE: 'off',
      GOPATH: '/usr/share/gocode',
      GOCACHE: join(scratch, 'cache'),
      GOFLAGS: '-trimpath',
    },
  })
  await rm(join(scratch, 'cache'), { recursive: true })
  const read = (file: string) => readFile(join(folder, file), 'utf8')
  const defaults = parse(await read('values.yaml')) as Values
  const chart = parse(await read('Chart.yaml')) as Values
  const ajv = new Ajv({ allErrors: true, allowUnionTypes: true })
  const validate = ajv.compile(JSON.parse(await read('values.schema.json')) as object)
  return {
    problems(values) {
      validate(layOver(defaults, values))
      return (validate.errors ?? []).map(
        ({ instancePath, message }) => `${instancePath} ${message}`,
      )
    },
    async render(values) {
      const child = spawn(program, [folder], { stdio: ['pipe', 'pipe', 'pipe'] })
      child.stdin.end(
        JSON.stringify({
          values: layOver(defaults, values),
          release: { Name: name, Namespace: 'ci', Service: 'Helm', Revision: 1, IsInstall: true },
          chart: {
            Name: chart['name'],
            Version: chart['version'],
            AppVersion: chart['appVersion'],
          },
          capabilities: { kubeVersion: 'v1.31.0', apiVersions: ['v1'] },
        }),
      )
      const [stdout, stderr] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, 'close'),
      ])
      if (child.exitCode !== 0) throw new Error(stderr)
      return Object.entries(JSON.parse(stdout) as Record<string, string>)
        .filter(([file]) => file.endsWith('.yaml'))
        .flatMap(([file, content]) =>
          parseAllDocuments(content).map((document) => {
            const [problem] = document.errors
            if (problem !== undefined) throw new Error(`${file}: ${problem.message}`)
            return document.toJS() as ChartObject | null
          }),
        )
        .filter((object) => object !== null)
    },
    close: () => rm(scratch, { recursive: true, force: true }),
  }
}

/** Maps are laid over each other, null takes a value away, all else is replaced, as Helm does. */
function layOver(below: Values, above: Values): Values {
  const merged = { ...below }
  for (const [name, value] of Object.entries(above)) {
    const under = merged[name]
    if (value === null) delete merged[name]
    else merged[name] = isMap(value) && isMap(under) ? layOver(under, value) : value
  }
  return merged
}

const isMap = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

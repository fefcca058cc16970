import { ConfigFile } from '../packages/server/src/config/config-file.ts'
import type { Setting } from '../packages/server/src/config/setting.ts'
import { settings } from '../packages/server/src/config/settings.ts'

/** Writes docs/settings.md from the table of settings and the schema of the file. */
export function generateSettingsPage(): string {
  const environment = Object.entries(settings).map(([name, setting]: [string, Setting<unknown>]) =>
    row(`\`${name}\``, defaultOf(setting), setting.description),
  )
  return `<!-- Written by npm run generate from packages/server/src/config; changes here are lost. -->

# Settings

The server reads these environment variables; all are optional. A wrong value, or a name that begins with
\`SLIPWAY_\` and is not here, stops the start with one message that names every problem. An empty value is the
same as none, except where it says otherwise. Truth values are \`true\`, \`false\`, \`1\`, \`0\`, \`yes\` or \`no\`.

${table(['Name', 'Default', 'Meaning'], environment)}

## The file of \`SLIPWAY_CONFIG\`

What has structure is in a YAML file. A key that is not here is refused by name.

${table(['Key', 'Default', 'Meaning'], fileRows(ConfigFile as unknown as Shape, ''))}

\`\`\`yaml
retention:
  runs: 30d
  jobs: 12h
environments:
  staging:
    autoDeploy: true
  production:
    approval: { approvals: 2, expires: 12h, selfApproval: false }
  eu-west:
    approval: { required: true, roles: [operator, admin] }
publishers:
  downloads: { type: filesystem, path: /srv/downloads, repositories: [example/*] }
runners:
  classes:
    - name: small
      labels: [linux, x64]
      image: ghcr.io/actions/actions-runner:latest
      limits: { memory: 4GiB, cpus: 2, timeout: 1h }
      maxRunners: 8
      warm: 2
\`\`\`
`
}

interface Shape {
  type?: string
  description?: string
  default?: unknown
  properties?: Record<string, Shape>
  /** Of a mapping whose keys are names of the operator's choice. */
  patternProperties?: Record<string, Shape>
  /** Of a list: what each entry is. */
  items?: Shape
}

function fileRows(shape: Shape, prefix: string): string[] {
  const named = Object.values(shape.patternProperties ?? {}).map(
    (each) => ['<name>', each] as const,
  )
  return [...Object.entries(shape.properties ?? {}), ...named].flatMap(([key, property]) => {
    const path = `${prefix}${key}`
    const { default: value, description } = property
    const self =
      description === undefined ? [] : [row(`\`${path}\``, fileDefault(value), description)]
    return [
      ...self,
      ...fileRows(property, `${path}.`),
      ...fileRows(property.items ?? {}, `${path}[].`),
    ]
  })
}

function fileDefault(value: unknown): string {
  if (value === undefined) return ''
  if (Array.isArray(value)) return `\`[${value.join(', ')}]\``
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``
}

function defaultOf(setting: Setting<unknown>): string {
  return setting.defaultNote ?? (setting.default === null ? 'none' : `\`${setting.default}\``)
}

function table(head: string[], rows: string[]): string {
  return [row(...head), row(...head.map(() => '---')), ...rows].join('\n')
}

function row(...cells: string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

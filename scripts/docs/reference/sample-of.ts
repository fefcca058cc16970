import { nameOf } from './describe-schema.ts'
import type { ApiSchema } from './read-contract.ts'

/** Values for fields by their names, the first that the schema takes. */
const byName: Readonly<Record<string, readonly string[]>> = {
  alias: ['stable'],
  actor: ['ada'],
  approver: ['ada'],
  branch: ['main'],
  cursor: ['MTIz'],
  default_branch: ['main'],
  digest: [`sha256:${'0123456789abcdef'.repeat(4)}`],
  environment: ['staging'],
  gitops_commit_sha: ['9f8e7d6c5b4a39281706f5e4d3c2b1a098765432'],
  image: ['node:20'],
  job: ['build'],
  message: ['What a person should know'],
  name: ['hello', 'HELLO'],
  phase: ['test'],
  private_key: ['-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----\n'],
  project: ['hello'],
  q: ['refused'],
  reason: ['Checked on staging'],
  ref: ['main', 'refs/heads/main'],
  region: ['eu-central-1'],
  registry_url: ['https://registry.example.com'],
  repo: ['acme/shop'],
  repository: ['acme/shop'],
  repository_url: ['https://git.example.com/acme/shop.git'],
  scope: ['acme/shop'],
  secret: [`whsec_${'A'.repeat(32)}`],
  stage: ['discovery'],
  step: ['unit'],
  timeRange: ['30d'],
  token: ['slw_example'],
  triggered_by: ['ada'],
  url: ['https://example.com/hook'],
  username: ['ada'],
  workflow: ['ci.yml'],
}
const anything = [
  'hello',
  'acme/shop',
  'abc1234def567890abc1234def567890abc12345',
  'https://example.com/',
  'pipeline.run.*',
  'discovery',
  'v1.2.3',
  '42',
  'HELLO',
  '',
]
const formats: Readonly<Record<string, string>> = {
  uuid: '01a1fe26-1c18-718f-8643-43f507a205bd',
  'date-time': '2026-11-21T12:47:53.418Z',
  date: '2026-11-21',
  uri: 'https://example.com/',
  binary: '@file',
}

/**
 * A value that the schema allows, the same one each time: what the contract gives as an example, else what is
 * plausible for the field's name. `only`: fields of requests that may be left out are left out.
 */
export function sampleOf(
  schema: ApiSchema,
  types: Readonly<Record<string, ApiSchema>>,
  options: { only?: 'required'; name?: string; depth?: number } = {},
): unknown {
  const { depth = 0, name = '' } = options
  const named = nameOf(schema)
  if (named !== null) return sampleOf(types[named] ?? {}, types, options)
  if (schema.examples !== undefined) return schema.examples[0]
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return schema.enum[0]
  const part = (schema.anyOf ?? schema.oneOf)?.[0]
  if (part !== undefined && schema.properties === undefined) return sampleOf(part, types, options)
  if (schema.default !== undefined) return schema.default
  const type = [schema.type ?? (schema.properties === undefined ? [] : 'object')].flat()[0]
  if (type === 'string') return sampleText(schema, name)
  if (type === 'integer' || type === 'number') return schema.minimum ?? schema.exclusiveMinimum ?? 1
  if (type === 'boolean') return true
  if (type === 'array') {
    const { items, minItems = 0 } = schema
    if (items === undefined || (depth > 6 && minItems === 0)) return []
    return [items].flat().map((item) => sampleOf(item, types, { ...options, depth: depth + 1 }))
  }
  if (type === 'object') return sampleObject(schema, types, { ...options, depth: depth + 1 })
  return null
}

function sampleObject(
  schema: ApiSchema,
  types: Readonly<Record<string, ApiSchema>>,
  options: { only?: 'required'; depth: number },
): Record<string, unknown> {
  const fields = Object.entries(schema.properties ?? {}).filter(
    ([name]) => options.only !== 'required' || schema.required?.includes(name),
  )
  const chosen =
    fields.length === 0 && (schema.minProperties ?? 0) > 0
      ? Object.entries(schema.properties ?? {}).slice(0, schema.minProperties)
      : fields
  const sample = Object.fromEntries(
    chosen.map(([name, field]) => [name, sampleOf(field, types, { ...options, name })]),
  )
  const more = thenOf(schema, sample)
  return more === null ? sample : { ...sample, ...sampleObject(more, types, { depth: 0 }) }
}

/** What the schema asks for besides of an object like this one. */
function thenOf(schema: ApiSchema, sample: Readonly<Record<string, unknown>>): ApiSchema | null {
  if (schema.if === undefined) return null
  const holds = Object.entries(schema.if.properties ?? {}).every(
    ([name, { const: value }]) => sample[name] === value,
  )
  if (holds) return schema.then ?? null
  return schema.else === undefined ? null : thenOf(schema.else, sample)
}

function sampleText(schema: ApiSchema, name: string): string {
  if (schema.format !== undefined) return formats[schema.format] ?? ''
  const field = name.replace(/^.*\./, '')
  const sha = /sha$|commit/i.test(field) ? ['abc1234def567890abc1234def567890abc12345'] : []
  const time = /(_at|At)$/.test(field) ? [formats['date-time'] ?? ''] : []
  const candidates = [...(byName[field] ?? []), ...sha, ...time, ...anything]
  return candidates.find((text) => takes(schema, text)) ?? ''
}

function takes({ pattern, minLength = 0, maxLength = Infinity }: ApiSchema, text: string): boolean {
  if (text.length < minLength || text.length > maxLength) return false
  return pattern === undefined || new RegExp(pattern, 'u').test(text)
}

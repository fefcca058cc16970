import type { ApiSchema } from './read-contract.ts'

/** A link to the type's fields, as Markdown. */
export type LinkToType = (name: string) => string

/** A row of a table of fields: what is in an object, and in the objects within it. */
export interface FieldRow {
  /** `artifacts[].name` is a field of each element of `artifacts`. */
  path: string
  required: boolean
  schema: ApiSchema
}

/** The name of the schema that this one refers to. */
export function nameOf({ $ref }: ApiSchema): string | null {
  return $ref?.split('/').at(-1) ?? null
}

/** Every name of a schema in the value, not those in the schemas named. */
export function namesIn(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(namesIn)
  if (typeof node !== 'object' || node === null) return []
  const own = '$ref' in node && typeof node.$ref === 'string' ? [node.$ref.split('/').at(-1)] : []
  return [...own.filter((name) => name !== undefined), ...Object.values(node).flatMap(namesIn)]
}

/** Fields of an object, of the objects in it, and of those in its lists; named ones have tables of their own. */
function fieldsOf(schema: ApiSchema, prefix = ''): FieldRow[] {
  const rows: FieldRow[] = []
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const path = `${prefix}${name}`
    rows.push({ path, required: schema.required?.includes(name) ?? false, schema: field })
    rows.push(...within(field, path))
  }
  for (const part of [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]) {
    for (const row of fieldsOf(part, prefix)) {
      if (!rows.some(({ path }) => path === row.path)) rows.push(row)
    }
  }
  return [...rows, ...conditionalFieldsOf(schema, prefix)]
}

/** Fields that are asked for where another one has a certain value. */
function conditionalFieldsOf(schema: ApiSchema, prefix: string): FieldRow[] {
  const when = Object.entries(schema.if?.properties ?? {}).map(
    ([name, { const: value }]) => `Where ${code(name)} is ${code(word(value))}.`,
  )
  const rows = schema.then === undefined ? [] : fieldsOf(schema.then, prefix)
  const told = rows
    .filter(({ schema: { properties } }) => properties === undefined)
    .map((row) => {
      const description = [...when, row.schema.description ?? ''].join(' ').trim()
      return { ...row, schema: { ...row.schema, description } }
    })
  return [...told, ...(schema.else === undefined ? [] : conditionalFieldsOf(schema.else, prefix))]
}

function within(field: ApiSchema, path: string): FieldRow[] {
  if (field.items !== undefined && !Array.isArray(field.items))
    return [...fieldsOf(field.items, `${path}[].`)]
  const values = valuesOf(field)
  return [
    ...fieldsOf(field, `${path}.`),
    ...(values === null ? [] : fieldsOf(values, `${path}.<name>.`)),
  ]
}

/** What an object whose keys are free has as values. */
function valuesOf({ additionalProperties, patternProperties }: ApiSchema): ApiSchema | null {
  if (typeof additionalProperties === 'object') return additionalProperties
  return Object.values(patternProperties ?? {})[0] ?? null
}

/** The type and its limits, in words, as Markdown. */
export function describeType(schema: ApiSchema, link: LinkToType): string {
  const name = nameOf(schema)
  if (name !== null) return link(name)
  const parts = schema.anyOf ?? schema.oneOf
  if (parts !== undefined) {
    return [...new Set(parts.map((part) => describeType(part, link)))].join(' or ')
  }
  if (schema.const !== undefined) return code(JSON.stringify(schema.const))
  if (schema.enum !== undefined) return schema.enum.map((value) => code(word(value))).join(', ')
  const types = [schema.type ?? []].flat()
  if (types.length === 0) return schema.properties === undefined ? 'anything' : 'object'
  return types.map((type) => describeOneType(type, schema, link)).join(' or ')
}

function describeOneType(type: string, schema: ApiSchema, link: LinkToType): string {
  if (type === 'array') {
    const elements = [schema.items ?? []].flat().map((items) => describeType(items, link))
    const items = elements.length === 0 ? '' : ` of ${elements.join(', then ')}`
    return `list${items}${range(schema.minItems, schema.maxItems, 'elements')}`
  }
  if (type === 'object') {
    const values = valuesOf(schema)
    const plain = values === null || values.properties !== undefined
    const of = plain ? '' : `, any names, of ${describeType(values, link)}`
    return `object${of}${range(schema.minProperties, schema.maxProperties, 'entries')}`
  }
  if (type === 'string') {
    const format =
      schema.format === undefined ? '' : ` (${formats[schema.format] ?? schema.format})`
    return `string${format}${range(schema.minLength, schema.maxLength, 'characters')}${patternOf(schema)}`
  }
  if (type === 'integer' || type === 'number') {
    const most = (schema.maximum ?? 0) >= Number.MAX_SAFE_INTEGER ? undefined : schema.maximum
    return `${type}${range(schema.minimum ?? schema.exclusiveMinimum, most, '')}`
  }
  return type
}

const formats: Readonly<Record<string, string>> = {
  uuid: 'UUID',
  'date-time': 'time, RFC 3339',
  uri: 'URL',
  binary: 'a file',
}

/** `^[^\u0000\uD800-\uDFFF]*$` and its kind only keep out what no text has. */
const anyText = /^\^\[\^\\u0000[^\]]*\][*+]\$$/

function patternOf({ pattern }: ApiSchema): string {
  if (pattern === undefined || anyText.test(pattern) || pattern.length > 120) return ''
  return `, like ${code(pattern)}`
}

function range(least: number | undefined, most: number | undefined, unit: string): string {
  const behind = unit === '' ? '' : ` ${unit}`
  if (least !== undefined && least > 0 && most !== undefined) {
    return least === most
      ? `, ${count(least)}${behind}`
      : `, ${count(least)} to ${count(most)}${behind}`
  }
  if (most !== undefined) return `, at most ${count(most)}${behind}`
  if (least !== undefined && (least > 0 || unit === ''))
    return `, at least ${count(least)}${behind}`
  return ''
}

const count = (value: number) => value.toLocaleString('en-GB')
const word = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))

/** A code span that a table takes. */
export function code(text: string): string {
  const plain = text.replaceAll('|', '\\|')
  return text.includes('`') ? `\`\` ${plain} \`\`` : `\`${plain}\``
}

/** Text for a cell of a table. What looks like a tag is text. */
export function cell(text: string): string {
  return text
    .split(/(`[^`]*`)/)
    .map((part) => (part.startsWith('`') ? part : part.replaceAll('<', '\\<')))
    .join('')
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll(/(?<!\\)\|/g, '\\|')
    .trim()
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** The table of an object's fields; '' where it has none. */
export function fieldTable(schema: ApiSchema, link: LinkToType): string {
  const rows = fieldsOf(schema).map(({ path, required, schema: field }) => [
    code(path),
    describeType(field, link),
    required ? 'yes' : '',
    cell([field.description ?? '', defaultOf(field)].filter(Boolean).join(' ')),
  ])
  return rows.length === 0 ? '' : table(['Field', 'Type', 'Always', 'Meaning'], rows)
}

/** What is taken where nothing is given. */
export function defaultOf({ default: value }: ApiSchema): string {
  return value === undefined ? '' : `Default ${code(word(value))}.`
}

import pg from 'pg'

interface Column {
  table: string
  name: string
  type: string
  nullable: boolean
  defaulted: boolean
  identity: boolean
}

/** What `pg` hands out and takes for each PostgreSQL type, with the parsers of `openDatabase`. */
const types: Record<string, { select: string; insert: string }> = {
  bool: { select: 'boolean', insert: 'boolean' },
  bytea: { select: 'Buffer', insert: 'Buffer' },
  float8: { select: 'number', insert: 'number' },
  int2: { select: 'number', insert: 'number' },
  int4: { select: 'number', insert: 'number' },
  int8: { select: 'number', insert: 'number' },
  jsonb: { select: 'unknown', insert: 'string' },
  text: { select: 'string', insert: 'string' },
  timestamptz: { select: 'Date', insert: 'Date | string' },
  tsvector: { select: 'string', insert: 'string' },
  uuid: { select: 'string', insert: 'string' },
}

/** Writes the Kysely interfaces of every table in the schema `public` of the migrated database at `url`. */
export async function generateTableTypes(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const columns = await readColumns(client)
    const words = await readWords(client)
    return print(columns, words)
  } finally {
    await client.end()
  }
}

async function readColumns(client: pg.Client): Promise<Column[]> {
  const { rows } = await client.query<Column>(`
    select c.relname as table, a.attname as name, t.typname as type,
           not a.attnotnull as nullable, a.atthasdef as defaulted, a.attidentity = 'a' as identity
    from pg_attribute a
      join pg_class c on c.oid = a.attrelid
      join pg_namespace n on n.oid = c.relnamespace
      join pg_type t on t.oid = a.atttypid
    where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition
      and c.relname <> 'schema_migrations'
      and a.attnum > 0 and not a.attisdropped
    order by c.relname collate "C", a.attnum`)
  return rows
}

/** The words a text column is limited to by a check such as `state in ('queued', 'running')`. */
async function readWords(client: pg.Client): Promise<Map<string, string[]>> {
  const { rows } = await client.query<{ column: string; definition: string }>(`
    select c.relname || '.' || a.attname as column, pg_get_constraintdef(k.oid) as definition
    from pg_constraint k
      join pg_class c on c.oid = k.conrelid
      join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and k.conkey = array[a.attnum]
    where n.nspname = 'public' and k.contype = 'c'
    order by 1, k.conname`)
  const words = new Map<string, string[]>()
  for (const { column, definition } of rows) {
    const list = /^CHECK \(\(\w+ = ANY \(ARRAY\[(.*)\]\)\)\)$/.exec(definition)?.[1]
    if (list === undefined) continue
    words.set(
      column,
      [...list.matchAll(/'([^'\\]+)'::text/g)].map((match) => match[1] ?? ''),
    )
  }
  return words
}

function print(columns: readonly Column[], words: ReadonlyMap<string, string[]>): string {
  const tables = new Map<string, Column[]>()
  for (const column of columns) {
    tables.set(column.table, [...(tables.get(column.table) ?? []), column])
  }
  const bodies = [...tables].map(([table, own]) => {
    const lines = own.map((column) => printColumn(column, words.get(`${table}.${column.name}`)))
    return `export interface ${interfaceName(table)} {\n${lines.join('\n')}\n}\n`
  })
  const index = [...tables.keys()].map((table) => `  ${table}: ${interfaceName(table)}`)
  const helpers = ['ColumnType', 'Generated', 'GeneratedAlways'].filter((helper) =>
    bodies.some((body) => body.includes(`${helper}<`)),
  )
  return [
    '// Generated from the migrated database by `npm run generate`. Do not edit.\n',
    `import type { ${helpers.join(', ')} } from 'kysely'\n`,
    ...bodies,
    `/** Every table of the database, by its name. */\nexport interface Tables {\n${index.join('\n')}\n}\n`,
  ].join('\n')
}

function printColumn(column: Column, words: readonly string[] | undefined): string {
  const array = column.type.startsWith('_')
  const base = types[array ? column.type.slice(1) : column.type]
  if (base === undefined) {
    throw new Error(`${column.table}.${column.name}: no TypeScript type for ${column.type}`)
  }
  if (words !== undefined) {
    const union = [...words.map((word) => `'${word}'`), ...(column.nullable ? ['null'] : [])]
    return printUnion(column.name, union, column.defaulted)
  }
  const nullable = (type: string) => (column.nullable ? `${type} | null` : type)
  const select = nullable(array ? `${base.select}[]` : base.select)
  const insert = nullable(array ? `${base.insert}[]` : base.insert)
  if (column.identity) return `  ${column.name}: GeneratedAlways<${select}>`
  if (base.select === base.insert) {
    return `  ${column.name}: ${column.defaulted ? `Generated<${select}>` : select}`
  }
  const readable = base.select === 'unknown' ? 'unknown' : select
  const initial = column.defaulted ? `${insert} | undefined` : insert
  return `  ${column.name}: ColumnType<${readable}, ${initial}, ${insert}>`
}

/** In the formatter's style: on one line while it fits, else a member a line. */
function printUnion(name: string, members: readonly string[], defaulted: boolean): string {
  const flat = members.join(' | ')
  const line = `  ${name}: ${defaulted ? `Generated<${flat}>` : flat}`
  if (line.length <= 100) return line
  if (!defaulted) return `  ${name}:\n${members.map((member) => `    | ${member}`).join('\n')}`
  const inner = `    ${flat}`
  if (inner.length <= 100) return `  ${name}: Generated<\n${inner}\n  >`
  return `  ${name}: Generated<\n${members.map((member) => `    | ${member}`).join('\n')}\n  >`
}

/** `task_attempts` → `TaskAttemptsTable`. */
function interfaceName(table: string): string {
  const words = table.split('_').map((word) => word.charAt(0).toUpperCase() + word.slice(1))
  return `${words.join('')}Table`
}

import type pg from 'pg'

/** Names of what is in the schema that tables are made in, apart from what extensions brought. */
async function listSchema(client: pg.Client): Promise<{ kind: string; name: string }[]> {
  const { rows } = await client.query<{ kind: string; name: string }>(`
    select case c.relkind when 'v' then 'view' when 'm' then 'materialized view'
                          when 'S' then 'sequence' when 'f' then 'foreign table' else 'table' end as kind,
           c.oid::regclass::text as name
      from pg_class c
     where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
       and not exists (select from pg_depend d where d.objid = c.oid and (d.deptype = 'e' or c.relkind = 'S' and d.deptype in ('a', 'i')))
    union all
    select 'routine', p.oid::regprocedure::text from pg_proc p
     where p.pronamespace = current_schema()::regnamespace
       and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
    union all
    select 'type', t.oid::regtype::text from pg_type t
     where t.typnamespace = current_schema()::regnamespace and t.typtype in ('e', 'd')
       and not exists (select from pg_depend d where d.objid = t.oid and d.deptype = 'e')`)
  return rows
}

/** Whether nothing is in the schema that a restore would meet. */
export async function isEmptySchema(client: pg.Client): Promise<boolean> {
  return (await listSchema(client)).length === 0
}

/** Drops everything in the schema, within the transaction of `client`. */
export async function emptySchema(client: pg.Client): Promise<void> {
  for (const { kind, name } of await listSchema(client)) {
    await client.query(`drop ${kind} if exists ${name} cascade`)
  }
}

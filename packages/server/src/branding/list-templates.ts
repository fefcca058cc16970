import type { BrandingTemplate } from '@slipway/contract/branding'
import { requireUnlimited } from '../access/index.ts'
import type { Principal } from '../ports/identity.ts'
import type { BrandingDeps } from './deps.ts'
import { assetsOf, findTemplate, things, toTemplate } from './template-rows.ts'

/** In the order they were made; `count` is that of all there are, with those archived or without. */
export async function listTemplates(
  { db }: Pick<BrandingDeps, 'db'>,
  input: {
    principal: Principal
    name?: string | undefined
    archived: boolean
    limit: number
    offset: number
  },
): Promise<{ templates: BrandingTemplate[]; count: number }> {
  requireUnlimited(input.principal, things)
  let all = db.selectFrom('branding_templates')
  if (!input.archived) all = all.where('archived_at', 'is', null)
  if (input.name !== undefined) all = all.where('name', '=', input.name)
  const [rows, { count }] = await Promise.all([
    all.selectAll().orderBy('id').limit(input.limit).offset(input.offset).execute(),
    all.select((eb) => eb.fn.countAll<number>().as('count')).executeTakeFirstOrThrow(),
  ])
  const ids = rows.map(({ id }) => id)
  const assets = ids.length === 0 ? [] : await assetsOf(db, ids)
  const templates = rows.map((row) =>
    toTemplate(
      row,
      assets.filter((asset) => asset.template_id === row.id),
    ),
  )
  return { templates, count }
}

export async function getTemplate(
  { db }: Pick<BrandingDeps, 'db'>,
  input: { principal: Principal; id: number },
): Promise<BrandingTemplate> {
  requireUnlimited(input.principal, things)
  return toTemplate(await findTemplate(db, input.id), await assetsOf(db, [input.id]))
}

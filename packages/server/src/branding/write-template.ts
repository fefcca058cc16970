import type {
  BrandingTemplate,
  CreateTemplateRequest,
  UpdateTemplateRequest,
} from '@slipway/contract/branding'
import { requireUnlimited } from '../access/index.ts'
import { refuseChanged } from '../archive/index.ts'
import type { Principal } from '../ports/identity.ts'
import { checkRules, toRuleText } from './check-rules.ts'
import type { BrandingDeps } from './deps.ts'
import {
  assetsOf,
  isDuplicate,
  lockTemplate,
  nameTaken,
  things,
  toTemplate,
} from './template-rows.ts'

/** Stores a template whose rules can be applied. A `resource_conflict` where there is one with the name. */
export async function createTemplate(
  deps: BrandingDeps,
  input: { principal: Principal; request: CreateTemplateRequest },
  signal: AbortSignal,
): Promise<BrandingTemplate> {
  const { principal, request } = input
  requireUnlimited(principal, things)
  const { name, description = null, brand_name = null, replacement_rules: rules = [] } = request
  await checkRules(deps, rules, signal)
  const now = new Date()
  const row = await deps.db
    .insertInto('branding_templates')
    .values({
      name,
      description,
      brand_name,
      replacement_rules: JSON.stringify(rules.map(toRuleText)),
      created_by: principal.name,
      created_at: now,
      updated_at: now,
    })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) throw nameTaken(name)
  return toTemplate(row, [])
}

/**
 * Changes what the request names; rules are replaced as a whole. A `resource_conflict` where it is not any more what
 * the change is made to.
 */
export async function updateTemplate(
  deps: BrandingDeps,
  input: { principal: Principal; id: number; request: UpdateTemplateRequest },
  signal: AbortSignal,
): Promise<BrandingTemplate> {
  const { principal, id, request } = input
  requireUnlimited(principal, things)
  const { replacement_rules: rules, archived, unchanged_since: since, ...plain } = request
  if (rules !== undefined) await checkRules(deps, rules, signal)
  try {
    return await deps.db.transaction().execute(async (trx) => {
      const before = await lockTemplate(trx, id)
      refuseChanged({ what: 'The branding template', row: before, since })
      const now = new Date()
      const stays = archived === undefined || archived === (before.archived_at !== null)
      const row = await trx
        .updateTable('branding_templates')
        .set({
          ...plain,
          updated_at: now,
          ...(rules === undefined
            ? {}
            : { replacement_rules: JSON.stringify(rules.map(toRuleText)) }),
          ...(stays ? {} : { archived_at: archived ? now : null }),
        })
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirstOrThrow()
      return toTemplate(row, await assetsOf(trx, [id]))
    })
  } catch (error) {
    throw isDuplicate(error) ? nameTaken(request.name ?? '') : error
  }
}

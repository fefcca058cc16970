import type { Transaction } from 'kysely'
import type { Tables } from '../db/tables.gen.ts'
import type { BuildRow } from './build-rows.ts'
import type {
  BrandingToApply,
  BuildAttempt,
  ConfigurationToApply,
  ReplacementRule,
} from './build-work.ts'

type Inputs = Pick<BuildAttempt, 'branding' | 'configuration' | 'registry'>

/** What a build's steps apply and where they push to, as it is now; or what of it has been deleted. */
export async function loadInputs(
  trx: Transaction<Tables>,
  build: BuildRow,
): Promise<{ ok: true; inputs: Inputs } | { ok: false; problem: string }> {
  const has = (step: string) => build.steps_to_execute.includes(step)
  const branding = has('apply_branding')
    ? await loadBranding(trx, build.branding_template_id)
    : null
  const configuration = has('apply_config')
    ? await loadConfiguration(trx, build.configuration_id)
    : null
  const registry = has('push_registry') ? await loadRegistry(trx, build.registry_id) : null
  const gone = [
    has('apply_branding') && branding === null ? 'branding template' : null,
    has('apply_config') && configuration === null ? 'configuration' : null,
    has('push_registry') && registry === null ? 'registry' : null,
  ].filter((thing) => thing !== null)
  if (gone.length > 0) {
    return { ok: false, problem: `Its ${gone.join(' and its ')} has been deleted` }
  }
  return { ok: true, inputs: { branding, configuration, registry } }
}

async function loadBranding(
  trx: Transaction<Tables>,
  id: number | null,
): Promise<BrandingToApply | null> {
  const template = await trx
    .selectFrom('branding_templates')
    .select(['name', 'brand_name as brandName', 'replacement_rules'])
    .where('id', '=', id)
    .executeTakeFirst()
  if (template === undefined) return null
  const assets = await trx
    .selectFrom('branding_assets')
    .select([
      'file_name as fileName',
      'target_path as targetPath',
      'object_key as objectKey',
      'size_bytes as sizeBytes',
      'sha256',
    ])
    .where('template_id', '=', id)
    .orderBy('target_path')
    .execute()
  const { name, brandName, replacement_rules: rules } = template
  return { name, brandName, rules: rules as ReplacementRule[], assets }
}

async function loadConfiguration(
  trx: Transaction<Tables>,
  id: number | null,
): Promise<ConfigurationToApply | null> {
  const row = await trx
    .selectFrom('configurations')
    .select(['name', 'settings', 'targets'])
    .where('id', '=', id)
    .executeTakeFirst()
  return row === undefined ? null : (row as ConfigurationToApply)
}

async function loadRegistry(
  trx: Transaction<Tables>,
  id: number | null,
): Promise<BuildAttempt['registry']> {
  const row = await trx
    .selectFrom('container_registries')
    .select(['registry_url as address', 'namespace'])
    .where('id', '=', id)
    .executeTakeFirst()
  return row ?? null
}

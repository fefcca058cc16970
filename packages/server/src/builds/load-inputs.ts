import type { BuildStepKey } from '@slipway/contract/builds'
import type { Transaction } from 'kysely'
import { readBranding } from '../branding/index.ts'
import { readConfiguration } from '../configurations/index.ts'
import type { Tables } from '../db/tables.gen.ts'
import { AppError } from '../errors.ts'
import type { BuildRow } from './build-rows.ts'
import type { BuildAttempt } from './build-work.ts'

type Inputs = Pick<BuildAttempt, 'branding' | 'configuration' | 'registry'>

/** What a build's steps apply and where they push to, as it is now; or what of it has been deleted. */
export async function loadInputs(
  trx: Transaction<Tables>,
  build: BuildRow,
): Promise<{ ok: true; inputs: Inputs } | { ok: false; problem: string }> {
  const gone: string[] = []
  const load = async <T>(
    step: BuildStepKey,
    thing: string,
    id: number | null,
    read: (which: { id: number }) => Promise<T | null>,
  ): Promise<T | null> => {
    if (!build.steps_to_execute.includes(step)) return null
    const found = id === null ? null : await read({ id }).catch(nullWhereMissing)
    if (found === null) gone.push(thing)
    return found
  }
  const inputs = {
    branding: await load('apply_branding', 'branding template', build.branding_template_id, (id) =>
      readBranding({ db: trx }, id),
    ),
    configuration: await load('apply_config', 'configuration', build.configuration_id, (id) =>
      readConfiguration({ db: trx }, id),
    ),
    registry: await load('push_registry', 'registry', build.registry_id, (id) =>
      readRegistry(trx, id),
    ),
  }
  if (gone.length === 0) return { ok: true, inputs }
  return { ok: false, problem: `Deleted since it was made: its ${gone.join(' and its ')}` }
}

function nullWhereMissing(error: unknown): null {
  if (error instanceof AppError && error.code === 'resource_not_found') return null
  throw error
}

async function readRegistry(
  trx: Transaction<Tables>,
  { id }: { id: number },
): Promise<BuildAttempt['registry']> {
  const row = await trx
    .selectFrom('container_registries')
    .select(['registry_url as address', 'namespace'])
    .where('id', '=', id)
    .executeTakeFirst()
  return row ?? null
}

import type { BrandingTemplate } from '@slipway/contract/branding'
import type { Context } from './context.ts'
import { findByName } from './find-by-name.ts'

/** By name, else by id; also one that is archived. */
export async function findTemplate(context: Context, which: string): Promise<BrandingTemplate> {
  const { client } = await context.connect()
  const { signal } = context.io
  return findByName(which, {
    named: async (name) =>
      (await client.branding.list({ name, archived: true }, { signal })).templates,
    byId: (id) => client.branding.get(id, { signal }),
    kind: 'branding',
    what: 'branding template',
  })
}

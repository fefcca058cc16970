import Type from 'typebox'
import { NullableTimestamp } from './fields.ts'

// What the shapes of /api/v2/pipelines and those of its socket have in common.

/** One schema: a union would have every answer validated as it is written. */
export const NullableString = Type.Unsafe<string | null>({ type: ['string', 'null'] })
export const RunId = Type.Integer({ description: 'GitHub’s id of the workflow run.' })
export const Seconds = Type.Integer({ minimum: 0, description: 'Whole seconds.' })

/** Beyond the document: how old what is shown may be. */
export const freshness = {
  cachedAt: NullableTimestamp,
  stale: Type.Boolean({ description: 'Whether GitHub could not be asked for over a minute.' }),
}

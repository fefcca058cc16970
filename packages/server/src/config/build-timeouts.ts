import { type BuildStepKey, buildSteps } from '@slipway/contract/builds'
import Type from 'typebox'
import { asMapping } from './check-mapping.ts'
import { duration, InvalidValue } from './parse.ts'

/** Milliseconds that each step of a build may take. */
export type BuildTimeouts = Readonly<Record<BuildStepKey, number>>

const defaults: Readonly<Record<BuildStepKey, string>> = {
  clone_repo: '10m',
  apply_branding: '10m',
  apply_config: '5m',
  create_zip: '30m',
  build_image: '60m',
  push_registry: '30m',
}

/** Milliseconds; no timer waits for much longer. */
const longest = 7 * 86_400_000

/** `builds` of the file. */
export const BuildsFile = Type.Object(
  {
    timeouts: Type.Optional(
      Type.Object(
        Object.fromEntries(
          buildSteps.map(({ key, name }) => [
            key,
            Type.Optional(
              Type.String({
                default: defaults[key],
                description: `How long “${name}” may take; then its build has failed.`,
              }),
            ),
          ]),
        ),
        { additionalProperties: false, description: 'Durations such as `90s` or `2h`.' },
      ),
    ),
  },
  { additionalProperties: false, description: 'How builds are done.' },
)

/** What `builds.timeouts` comes to; every problem goes to `problem`. */
export function readBuildTimeouts(
  content: unknown,
  problem: (message: string) => void,
): BuildTimeouts {
  const given = asMapping(asMapping(content)['timeouts'])
  const read = (key: BuildStepKey): number => {
    const text = given[key]
    try {
      const limit = duration(typeof text === 'string' ? text : defaults[key])
      if (limit > longest) throw new InvalidValue('must not be longer than 7d')
      return limit
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error
      problem(`builds.timeouts.${key}: ${error.message}`)
      return 0
    }
  }
  return Object.fromEntries(buildSteps.map(({ key }) => [key, read(key)])) as BuildTimeouts
}

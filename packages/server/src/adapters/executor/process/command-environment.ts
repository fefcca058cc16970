import type { ExecutionSpec } from '../../../ports/executor.ts'

export interface EnvironmentDefaults {
  path: string
  home: string
  temporary: string
}

/** The whole environment of a command: what its specification says, and the few that nothing works without. */
export function commandEnvironment(
  spec: Pick<ExecutionSpec, 'env' | 'cache'>,
  defaults: EnvironmentDefaults,
): Record<string, string> {
  return {
    PATH: defaults.path,
    HOME: defaults.home,
    LANG: 'C.UTF-8',
    TMPDIR: defaults.temporary,
    ...spec.env,
    ...(spec.cache === null ? {} : { SLIPWAY_CACHE: spec.cache }),
  }
}

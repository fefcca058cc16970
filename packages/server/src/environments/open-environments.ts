import type { EnvironmentConfig } from '@slipway/forge'
import type { EnvironmentPolicy } from '../config/environments.ts'
import { AppError } from '../errors.ts'
import { tightenPolicy } from './tighten-policy.ts'

/** The environments of the server's configuration; they change with a restart only. */
export interface Environments {
  list(): readonly EnvironmentPolicy[]
  /** Undefined where there is none of this name. */
  get(name: string): EnvironmentPolicy | undefined
  /** Refuses an unknown name with `invalid_request`, which says which ones there are. */
  require(name: string): EnvironmentPolicy
  /**
   * What holds for a release in an environment: the server's policy, tightened by what the release's
   * commit says of it (`releases.environments`). Throws as `require` does.
   */
  policyFor(name: string, fromForge: readonly EnvironmentConfig[]): EnvironmentPolicy
}

export function openEnvironments(policies: readonly EnvironmentPolicy[]): Environments {
  const byName = new Map(policies.map((policy) => [policy.name, policy]))
  const environments: Environments = {
    list: () => policies,
    get: (name) => byName.get(name),
    require(name) {
      const policy = byName.get(name)
      if (policy !== undefined) return policy
      const known = [...byName.keys()]
      throw new AppError(
        'invalid_request',
        `There is no environment ${name}; there are ${known.join(', ')}`,
        { environment: name, environments: known },
      )
    },
    policyFor: (name, fromForge) =>
      tightenPolicy(environments.require(name), forgeOf(name, fromForge)),
  }
  return environments
}

function forgeOf(name: string, fromForge: readonly EnvironmentConfig[]): EnvironmentConfig | null {
  return fromForge.find((environment) => environment.name === name) ?? null
}

import { AppError } from '../../../errors.ts'
import type { ContainerSpec, PodSettings } from '../../../ports/container-host.ts'

/** A container that a cluster can run. */
export interface PodSpec extends ContainerSpec {
  pod: PodSettings
  argv: readonly string[]
  network: 'none' | 'internet' | 'cluster'
  /** Null: the image's own, which must not be root. */
  identity: { uid: number; gid: number | null } | null
}

const networks = ['none', 'internet', 'cluster'] as const
/** Names of variables that a cluster takes from a Secret. */
const variable = /^[A-Za-z_][A-Za-z0-9_]*$/

/**
 * An AppError `invalid_request` names everything that a cluster does not do.
 *
 * @param idle the command of containers that idle
 */
export function checkSpec(spec: ContainerSpec, idle: readonly string[]): PodSpec {
  const problems: string[] = []
  const { command, pod, mounts, aliases = [], limits } = spec
  if (pod === undefined) problems.push('it is not meant for Kubernetes')
  if (mounts.length > 0) problems.push('directories of a host cannot be mounted')
  if (aliases.length > 0) problems.push('it has no further names in a network')
  if (limits.pids !== null) problems.push('the number of processes is limited by its nodes alone')
  const network = networks.find((each) => each === spec.network)
  if (network === undefined) problems.push(`its network is one of ${networks.join(', ')}`)
  if (command === null && !spec.idle) {
    problems.push('what an image runs by itself is not known: it needs a command')
  }
  const identity = identityOf(spec)
  if (identity === undefined) problems.push('a user is a number, or two with a colon between them')
  if (spec.name !== undefined && !/^[a-z0-9]([-a-z0-9]{0,54}[a-z0-9])?$/.test(spec.name)) {
    problems.push('a name has at most 56 lower-case letters, digits and "-"')
  }
  if (problems.length > 0 || pod === undefined || network === undefined || identity === undefined) {
    throw new AppError(
      'invalid_request',
      `A container of ${spec.image} cannot run on Kubernetes: ${problems.join('; ')}`,
    )
  }
  requireVariables(spec.env)
  return { ...spec, pod, network, identity, argv: spec.idle ? idle : (command ?? []) }
}

/** An AppError `invalid_request` names those that cannot be passed on. */
export function requireVariables(env: Readonly<Record<string, string>>): void {
  const odd = Object.entries(env).filter(
    ([name, value]) => !variable.test(name) || value.includes('\0'),
  )
  if (odd.length === 0) return
  const names = odd.map(([name]) => JSON.stringify(name)).join(', ')
  throw new AppError(
    'invalid_request',
    `The environment variable ${names} cannot be passed on: a name is letters, digits and _, and a value has no NUL`,
  )
}

/** Undefined: it is none that a cluster takes. */
function identityOf({ user, pod }: ContainerSpec): PodSpec['identity'] | undefined {
  if (user !== null) {
    const [, uid, gid] = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(user) ?? []
    if (uid === undefined) return undefined
    return { uid: Number(uid), gid: gid === undefined ? null : Number(gid) }
  }
  if (pod === undefined || pod.runAs === 'image') return null
  return pod.runAs === 'root' ? { uid: 0, gid: 0 } : pod.runAs
}

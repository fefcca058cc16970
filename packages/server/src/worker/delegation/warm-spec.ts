import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { ContainerSpec } from '../../ports/container-host.ts'

/** What a container is, whatever it is for. */
export type WarmSpec = Omit<ContainerSpec, 'labels' | 'name'>

const handedOver = /^[A-Za-z_][A-Za-z0-9_]*$/

/**
 * What a container that was created as `warm` has to be told at its start to be what `wanted` says; null:
 * it cannot become that.
 */
export function lateEnvironment(warm: WarmSpec, wanted: WarmSpec): Record<string, string> | null {
  const { env, ...rest } = pick(wanted)
  const { env: known, ...given } = pick(warm)
  if (!isDeepStrictEqual(rest, given)) return null
  if (Object.keys(known).some((name) => !(name in env))) return null
  const late = Object.entries(env).filter(([name, value]) => known[name] !== value)
  return late.every(([name]) => handedOver.test(name)) ? Object.fromEntries(late) : null
}

/** The same for the same containers. */
export function fingerprintOf(spec: WarmSpec): string {
  const { env, ...rest } = pick(spec)
  const text = JSON.stringify([rest, Object.entries(env).toSorted(([a], [b]) => (a < b ? -1 : 1))])
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

/** In one order, and without what others may have put beside. */
function pick(spec: WarmSpec): WarmSpec {
  const { image, command, env, workdir, user, mounts, network, idle, limits } = spec
  const { memoryBytes, cpus, pids, diskBytes } = limits
  return {
    image,
    command,
    env,
    workdir,
    user,
    mounts: mounts.map(({ source, target, readOnly }) => ({ source, target, readOnly })),
    network,
    idle,
    limits: { memoryBytes, cpus, pids, diskBytes },
  }
}

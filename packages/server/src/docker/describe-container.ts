import { lateStartScript } from './late-environment.ts'

/** What every container of ours has in common. Numbers null: no limit. */
export interface ContainerDescription {
  image: string
  /** The whole command. */
  argv: readonly string[]
  env: Readonly<Record<string, string>>
  labels: Readonly<Record<string, string>>
  workdir: string | null
  user: string | null
  mounts: readonly { source: string; target: string; readOnly: boolean }[]
  /** Paths that are empty directories in memory, with their options. */
  tmpfs: Readonly<Record<string, string>>
  readOnlyRoot: boolean
  /** Name of a network, or what the engine knows by itself: `none`, `bridge`. */
  network: string
  /** Further names in that network. */
  aliases?: readonly string[]
  memoryBytes: number | null
  cpus: number | null
  pids: number | null
  diskBytes: number | null
  /** Beyond none at all. */
  capabilities: readonly string[]
  log: { Type: string; Config: Record<string, string> }
}

/** What hands the late environment over. */
export const shellPath = '/bin/sh'

/** The engine's own init, which is there beside the command. */
const overheadPids = 1

/**
 * The body of a request that creates a container. Never privileged, no capability that is not named, no
 * way to more rights, no socket of the host, and nothing of it starts again by itself.
 */
export function describeContainer(from: ContainerDescription): Record<string, unknown> {
  return {
    Image: from.image,
    Entrypoint: [shellPath, '-c', lateStartScript, 'sh'],
    Cmd: from.argv,
    Env: Object.entries(from.env).map(([name, value]) => `${name}=${value}`),
    Labels: from.labels,
    ...(from.workdir === null ? {} : { WorkingDir: from.workdir }),
    ...(from.user === null ? {} : { User: from.user }),
    AttachStdin: true,
    OpenStdin: true,
    StdinOnce: true,
    Tty: false,
    ...(from.aliases === undefined || from.aliases.length === 0
      ? {}
      : { NetworkingConfig: { EndpointsConfig: { [from.network]: { Aliases: from.aliases } } } }),
    HostConfig: {
      Init: true,
      Privileged: false,
      CapDrop: ['ALL'],
      CapAdd: from.capabilities,
      SecurityOpt: ['no-new-privileges'],
      IpcMode: 'private',
      NetworkMode: from.network,
      ReadonlyRootfs: from.readOnlyRoot,
      Tmpfs: from.tmpfs,
      RestartPolicy: { Name: 'no' },
      LogConfig: from.log,
      Mounts: from.mounts.map(({ source, target, readOnly }) => ({
        Type: 'bind',
        Source: source,
        Target: target,
        ReadOnly: readOnly,
        BindOptions: { Propagation: 'rprivate' },
      })),
      // Swap would only make it slower to run out of memory.
      ...(from.memoryBytes === null
        ? {}
        : { Memory: from.memoryBytes, MemorySwap: from.memoryBytes }),
      ...(from.cpus === null ? {} : { NanoCpus: Math.round(from.cpus * 1e9) }),
      ...(from.pids === null ? {} : { PidsLimit: from.pids + overheadPids }),
      ...(from.diskBytes === null ? {} : { StorageOpt: { size: String(from.diskBytes) } }),
    },
  }
}

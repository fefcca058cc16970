import { randomUUID } from 'node:crypto'
import { dirname } from 'node:path'
import { AppError } from '../../../errors.ts'
import {
  type Docker,
  DockerRefusal,
  describeContainer,
  explainRefusal,
  type ImagePuller,
  isMissing,
  networkLabel,
  postJson,
  removeContainer,
  shellPath,
} from '../../../docker/index.ts'
import type { ContainerSpec } from '../../../ports/container-host.ts'
import { createNetwork } from './create-network.ts'

/**
 * What root in a container may do beyond any other user, to its own files and ids alone: install packages,
 * unpack archives, become another user. Of the engine's own defaults these are left out: raw sockets, device
 * nodes, chroot, ports below 1024, file capabilities, signals to other users' processes, and the audit log.
 */
const capabilities = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'SETGID', 'SETUID']
/** Keeps a container running, and ends with success when it is asked to. */
const idleScript = `trap 'exit 0' TERM INT
while :; do sleep 86400 & wait "$!" || exit; done`

/** Names of images that are remembered. */
const mostShells = 1_000
/** Milliseconds for removing what could not be made whole. */
const removeMs = 30_000

export interface CreateDeps {
  docker: Docker
  images: ImagePuller
  /** Path of the engine's socket on this machine; null: it is elsewhere. */
  socketPath: string | null
  /** Bytes of output that the engine keeps, twice. */
  logBytes: number
  /** Learned at the first refusal: whether the engine can limit what a container writes. */
  disk: { canLimit: boolean }
  /** Images that have been seen to have a shell. */
  shells: Set<string>
}

/** Creates a container and then its network: whatever is left of a crash can be found by the container. */
export async function createContainer(
  deps: CreateDeps,
  spec: ContainerSpec,
  signal: AbortSignal,
): Promise<string> {
  const { docker } = deps
  refuseSockets(deps, spec)
  const name = spec.name ?? `slipway-${randomUUID()}`
  const hasOwnNetwork = spec.network === 'bridge' || spec.network === 'internal'
  const argv = await commandOf(deps, spec, signal)
  const labels = hasOwnNetwork ? { ...spec.labels, [networkLabel]: name } : spec.labels
  const body = (diskBytes: number | null) =>
    describeContainer({
      ...spec.limits,
      diskBytes,
      image: spec.image,
      argv,
      env: spec.env,
      labels,
      workdir: spec.workdir,
      user: spec.user,
      mounts: spec.mounts,
      tmpfs: {},
      readOnlyRoot: false,
      network: hasOwnNetwork ? name : spec.network,
      aliases: spec.aliases ?? [],
      capabilities,
      // Keeps bytes as they are, and is smaller and faster than JSON. What is too long for the limit is ended
      // by who follows it; this bounds it where nobody does.
      log: {
        Type: 'local',
        Config: { 'max-size': String(deps.logBytes), 'max-file': '2', compress: 'false' },
      },
    })
  const create = (diskBytes: number | null) =>
    postJson<{ Id: string }>(docker, '/containers/create', body(diskBytes), signal, { name })
  const { Id } = await withImage(deps, spec, signal, async () => {
    const { diskBytes } = spec.limits
    if (diskBytes === null || !deps.disk.canLimit) return create(null)
    try {
      return await create(diskBytes)
    } catch (error) {
      if (!isDiskRefusal(error)) throw error
      deps.disk.canLimit = false
      return create(null)
    }
  })
  try {
    await requireShell(deps, { id: Id, image: spec.image }, signal)
    if (hasOwnNetwork) {
      await createNetwork(docker, { name, internal: spec.network === 'internal', labels }, signal)
    }
    return Id
  } catch (error) {
    await removeContainer(docker, Id, AbortSignal.timeout(removeMs)).catch(() => {})
    throw explainRefusal(error, 'The network of a container cannot be made')
  }
}

/** The engine itself notices only after the start, and tells nobody but the log. */
async function requireShell(
  { docker, shells }: CreateDeps,
  { id, image }: { id: string; image: string },
  signal: AbortSignal,
): Promise<void> {
  if (shells.has(image)) return
  const path = `/containers/${encodeURIComponent(id)}/archive`
  try {
    const answer = await docker.send({ method: 'HEAD', path, query: { path: shellPath } }, signal)
    answer.resume()
  } catch (error) {
    if (!isMissing(error)) throw error
    throw new AppError(
      'invalid_request',
      `The image ${image} has no ${shellPath}, which a container is told its environment by: take one that has it`,
    )
  }
  if (shells.size >= mostShells) shells.clear()
  shells.add(image)
}

/** Pulls the image where it is missing, and tries again. */
async function withImage<T>(
  { images }: CreateDeps,
  { image, name }: ContainerSpec,
  signal: AbortSignal,
  create: () => Promise<T>,
): Promise<T> {
  const what = `A container of ${image} cannot be made`
  try {
    return await create()
  } catch (error) {
    if (!isMissing(error)) {
      if (error instanceof DockerRefusal && error.status === 409) {
        throw new AppError('resource_conflict', `A container ${name} is there already`)
      }
      throw explainRefusal(error, what)
    }
  }
  await images.pull(image, signal)
  try {
    return await create()
  } catch (error) {
    throw explainRefusal(error, what)
  }
}

async function commandOf(
  { images }: CreateDeps,
  { idle, command, image }: ContainerSpec,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (idle) return ['sh', '-c', idleScript]
  if (command !== null) return command
  const config = await images.readConfig(image, signal)
  const own = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])]
  if (own.length === 0) {
    throw new AppError('invalid_request', `The image ${image} has no command of its own`)
  }
  return own
}

/** Whoever has the engine's socket has the machine. */
function refuseSockets({ socketPath }: CreateDeps, { mounts }: ContainerSpec): void {
  for (const { source } of mounts) {
    const isOurs = socketPath !== null && isWithin(source, socketPath)
    if (isOurs || /\/(docker|containerd|podman|crio)\.sock$/.test(source)) {
      throw new AppError('invalid_request', `${source} holds the socket of a container engine`)
    }
  }
}

function isWithin(parent: string, path: string): boolean {
  for (let at = path; ; at = dirname(at)) {
    if (at === parent) return true
    if (at === dirname(at)) return false
  }
}

function isDiskRefusal(error: unknown): boolean {
  return error instanceof DockerRefusal && /storage-opt|storage option/i.test(error.message)
}

import { chmod, mkdir, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ClusterObject } from '../cluster-object.ts'
import type { Container, PodSpec } from './pod-spec.ts'

/** Why a container cannot be made now, as the kubelet says it of a waiting one. */
export class NotReady extends Error {
  readonly reason: string

  constructor(reason: string, message: string) {
    super(message)
    this.reason = reason
  }
}

export interface Mount {
  Type: 'bind'
  Source: string
  Target: string
  ReadOnly: boolean
}

/** The mounts of a container; what is the pod's own is made below `folder`. */
export async function makeVolumes(
  spec: PodSpec,
  container: Container,
  from: {
    folder: string
    /** Directories of claims on this machine. */
    claims: ReadonlyMap<string, string>
    secret(name: string): ClusterObject | null
  },
): Promise<Mount[]> {
  const sources = new Map<string, { path: string; isReadOnly: boolean }>()
  for (const { name, persistentVolumeClaim, emptyDir, secret } of spec.volumes ?? []) {
    if (persistentVolumeClaim !== undefined) {
      const { claimName } = persistentVolumeClaim
      const path = from.claims.get(claimName)
      if (path === undefined) {
        throw new NotReady('ContainerCreating', `persistentvolumeclaim "${claimName}" not found`)
      }
      sources.set(name, { path, isReadOnly: false })
      continue
    }
    const path = join(from.folder, name)
    await mkdir(path, { recursive: true })
    sources.set(name, { path, isReadOnly: secret !== undefined })
    if (emptyDir !== undefined) await chmod(path, 0o777)
    if (secret === undefined) continue
    const data = secretData(from.secret(secret.secretName), secret.secretName)
    for (const { key, path: file } of secret.items ?? []) {
      const content = data[key]
      if (content === undefined) throw new NotReady('ContainerCreating', `no key ${key}`)
      await writeFile(join(path, file), content, { mode: secret.defaultMode ?? 0o644 })
      await chmod(join(path, file), secret.defaultMode ?? 0o644)
    }
    await chmod(path, 0o755)
  }
  const mounts: Mount[] = []
  for (const { name, mountPath, subPath, readOnly = false } of container.volumeMounts ?? []) {
    const source = sources.get(name)
    if (source === undefined) throw new NotReady('CreateContainerConfigError', `no volume ${name}`)
    mounts.push({
      Type: 'bind',
      Source: await below(source.path, subPath ?? ''),
      Target: mountPath,
      ReadOnly: readOnly || source.isReadOnly,
    })
  }
  return mounts
}

export function removeVolumes(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true })
}

export function secretData(secret: ClusterObject | null, name: string): Record<string, Buffer> {
  if (secret === null) {
    throw new NotReady('CreateContainerConfigError', `secret "${name}" not found`)
  }
  const data = Object.entries((secret.data ?? {}) as Record<string, string>)
  return Object.fromEntries(data.map(([key, value]) => [key, Buffer.from(value, 'base64')]))
}

/** A path of a volume that leads out of it by a link is refused; one that is not there is made. */
async function below(path: string, subPath: string): Promise<string> {
  const wanted = join(path, subPath)
  await stat(wanted).catch(() => mkdir(wanted, { recursive: true }))
  const [root, real] = await Promise.all([realpath(path), realpath(wanted)])
  if (real !== root && !real.startsWith(`${root}/`)) {
    throw new NotReady('CreateContainerConfigError', `subPath ${subPath} leaves the volume`)
  }
  return real
}

import type { ClusterObject } from '../cluster-object.ts'
import { type Mount, NotReady, secretData } from './make-volumes.ts'
import { type Container, expand, type PodSpec } from './pod-spec.ts'

/** What every pod is told of its cluster, whether it wants it or not. */
const ofCluster = {
  KUBERNETES_PORT: 'tcp://10.0.0.1:443',
  KUBERNETES_PORT_443_TCP: 'tcp://10.0.0.1:443',
  KUBERNETES_PORT_443_TCP_ADDR: '10.0.0.1',
  KUBERNETES_PORT_443_TCP_PORT: '443',
  KUBERNETES_PORT_443_TCP_PROTO: 'tcp',
  KUBERNETES_SERVICE_HOST: '10.0.0.1',
  KUBERNETES_SERVICE_PORT: '443',
  KUBERNETES_SERVICE_PORT_HTTPS: '443',
}

/** A container of a pod as the engine of this node makes it. */
export function describeContainer(
  pod: ClusterObject,
  spec: PodSpec,
  container: Container,
  given: {
    mounts: readonly Mount[]
    network: string
    secret(name: string): ClusterObject | null
  },
): Record<string, unknown> {
  const { securityContext: security = {}, resources = {} } = container
  const env: Record<string, string> = { HOSTNAME: pod.metadata.name, ...ofCluster }
  for (const { secretRef } of container.envFrom ?? []) {
    if (secretRef === undefined) continue
    const data = secretData(given.secret(secretRef.name), secretRef.name)
    for (const [name, content] of Object.entries(data)) env[name] = content.toString()
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    const { secretKeyRef } = valueFrom ?? {}
    if (secretKeyRef === undefined) {
      env[name] = expand(value ?? '', env)
      continue
    }
    const data = secretData(given.secret(secretKeyRef.name), secretKeyRef.name)
    const content = data[secretKeyRef.key]
    if (content === undefined) {
      throw new NotReady('CreateContainerConfigError', `couldn't find key ${secretKeyRef.key}`)
    }
    env[name] = content.toString()
  }
  const uid = security.runAsUser ?? 0
  if (spec.securityContext?.runAsNonRoot === true && uid === 0) {
    throw new NotReady(
      'CreateContainerConfigError',
      'container has runAsNonRoot and is to run as root',
    )
  }
  const { memory, cpu } = resources.limits ?? {}
  return {
    Image: container.image,
    ...(container.command === undefined
      ? {}
      : { Entrypoint: container.command.map((text) => expand(text, env)), Cmd: [] }),
    ...(container.workingDir === undefined ? {} : { WorkingDir: container.workingDir }),
    Hostname: pod.metadata.name.slice(0, 63),
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    User: `${uid}:${security.runAsGroup ?? 0}`,
    AttachStdout: true,
    AttachStderr: true,
    Labels: { 'stand-in.pod': pod.metadata.uid },
    HostConfig: {
      Init: false,
      Privileged: security.privileged ?? false,
      ReadonlyRootfs: security.readOnlyRootFilesystem ?? false,
      CapDrop: security.capabilities?.drop ?? [],
      CapAdd: security.capabilities?.add ?? [],
      SecurityOpt: [
        ...(security.allowPrivilegeEscalation === false ? ['no-new-privileges'] : []),
        ...(spec.securityContext?.seccompProfile?.type === 'RuntimeDefault'
          ? []
          : ['seccomp=unconfined']),
      ],
      NetworkMode: given.network,
      Mounts: given.mounts,
      LogConfig: { Type: 'none', Config: {} },
      ...(memory === undefined ? {} : { Memory: Number(memory), MemorySwap: Number(memory) }),
      ...(cpu === undefined ? {} : { NanoCpus: Number(cpu.replace(/m$/, '')) * 1e6 }),
    },
  }
}

import { type Docker, networkLabel, removeNetwork } from '../../../docker/index.ts'

/**
 * Removes networks of ours whose container is gone. A network is made after its container and removed
 * before it, so one without is nobody's.
 */
export async function removeOrphans(
  docker: Docker,
  labels: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const label = [...Object.entries(labels).map(([name, value]) => `${name}=${value}`), networkLabel]
  const networks = await docker.json<{ Id: string; Labels: Record<string, string> }[]>(
    { method: 'GET', path: '/networks', query: { filters: JSON.stringify({ label }) } },
    signal,
  )
  if (networks.length === 0) return
  const containers = await docker.json<{ Labels: Record<string, string> | null }[]>(
    {
      method: 'GET',
      path: '/containers/json',
      query: { all: '1', filters: JSON.stringify({ label: [networkLabel] }) },
    },
    signal,
  )
  const used = new Set(containers.map(({ Labels }) => Labels?.[networkLabel]))
  for (const { Id, Labels } of networks) {
    if (!used.has(Labels[networkLabel])) await removeNetwork(docker, Id, signal)
  }
}

import { type Docker, DockerRefusal } from './connect-docker.ts'
import { inspectContainer } from './container-state.ts'
import { isMissing } from './explain-refusal.ts'
import { postJson } from './post-json.ts'

/** Label of a container: the network that was made for it and goes with it. */
export const networkLabel = 'io.slipway.network'
/** Milliseconds for each request; a file system of many layers takes its time. */
const answerMs = 120_000

/**
 * Removes a container with its anonymous volumes and its network. The container goes last: as long as
 * something is left, it can be found. One that is gone is no error.
 */
export async function removeContainer(
  docker: Docker,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const path = `/containers/${encodeURIComponent(id)}`
  try {
    const { Config } = await inspectContainer(docker, id, signal)
    const network = Config.Labels?.[networkLabel]
    if (network !== undefined) {
      await kill(docker, id, 'KILL', signal)
      await removeNetwork(docker, network, signal)
    }
    const query = { force: '1', v: '1' }
    await docker.json({ method: 'DELETE', path, query, answerMs }, signal)
  } catch (error) {
    if (isMissing(error)) return
    // Somebody else is removing it just now.
    const isGoing = error instanceof DockerRefusal && error.status === 409
    if (!isGoing) throw error
    await waitUntilRemoved(docker, path, signal)
  }
}

/** False: it does not run. */
export async function kill(
  docker: Docker,
  id: string,
  signalName: 'TERM' | 'KILL',
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const path = `/containers/${encodeURIComponent(id)}/kill`
    await docker.json({ method: 'POST', path, query: { signal: signalName }, answerMs }, signal)
    return true
  } catch (error) {
    if (error instanceof DockerRefusal && error.status === 409) return false
    throw error
  }
}

/** Whoever else is in it, such as containers that served this one, is taken out first. */
export async function removeNetwork(
  docker: Docker,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const path = `/networks/${encodeURIComponent(name)}`
  const remove = () => docker.json({ method: 'DELETE', path, answerMs }, signal)
  try {
    await remove()
  } catch (error) {
    if (isMissing(error)) return
    if (!(error instanceof DockerRefusal) || error.status !== 403) throw error
    const { Containers } = await docker.json<{ Containers: Record<string, unknown> | null }>(
      { method: 'GET', path },
      signal,
    )
    for (const Container of Object.keys(Containers ?? {})) {
      await postJson(docker, `${path}/disconnect`, { Container, Force: true }, signal)
    }
    await remove()
  }
}

async function waitUntilRemoved(docker: Docker, path: string, signal: AbortSignal): Promise<void> {
  try {
    const query = { condition: 'removed' }
    await docker.json({ method: 'POST', path: `${path}/wait`, query, answerMs: null }, signal)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

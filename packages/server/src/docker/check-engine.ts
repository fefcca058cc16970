import { AppError } from '../errors.ts'
import { type Docker, DockerRefusal } from './connect-docker.ts'

const checkMs = 5_000

/**
 * Asks whether the engine can be used: it lists containers, which one that only says that it is there may refuse.
 * Rejects with AppError `unavailable` where it cannot, and with a `TimeoutError` after five seconds.
 */
export async function checkEngine(docker: Docker, signal?: AbortSignal): Promise<void> {
  const late = AbortSignal.timeout(checkMs)
  const until = signal === undefined ? late : AbortSignal.any([signal, late])
  const query = { limit: '1' }
  try {
    const answer = await docker.send({ method: 'GET', path: '/containers/json', query }, until)
    answer.resume()
  } catch (error) {
    throw refusalAsAway(docker, error)
  }
}

/** An engine that refuses what every engine does is as good as none: it may be another one soon. */
export function refusalAsAway(docker: Docker, error: unknown): unknown {
  if (!(error instanceof DockerRefusal)) return error
  return new AppError(
    'unavailable',
    `The Docker engine at ${docker.address} refuses to list containers (${error.status}: ${error.message}): DOCKER_HOST may lead to something else`,
  )
}

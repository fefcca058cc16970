import { AppError } from '../../../errors.ts'
import { connectDocker, type DockerOptions, DockerRefusal } from '../../../docker/index.ts'
import type { ImageEngine } from '../../../ports/image-engine.ts'
import { buildImage } from './build-image.ts'
import { pushImage } from './push-image.ts'

const mostImages = 10_000
/** Milliseconds for removing an image, which may have large layers. */
const removeMs = 120_000
const checkMs = 5_000

interface ImageRow {
  Id: string
  RepoTags: string[] | null
  Labels: Record<string, string> | null
}

/** Images by a Docker engine, or whatever speaks its API (Podman). */
export function createDockerImageEngine(options: DockerOptions): ImageEngine {
  const docker = connectDocker(options)
  const closing = new AbortController()
  const until = (signal: AbortSignal) => AbortSignal.any([signal, closing.signal])
  const within = (ms: number) => until(AbortSignal.timeout(ms))
  const pathOf = (image: string) => `/images/${encodeURIComponent(image)}`

  return {
    name: 'docker',

    build: (request, output, signal) => buildImage(docker, request, output, until(signal)),
    push: (request, output, signal) => pushImage(docker, request, output, until(signal)),

    async find(image, signal) {
      try {
        const found = await docker.json<ImageRow & { Config: { Labels: ImageRow['Labels'] } }>(
          { method: 'GET', path: `${pathOf(image)}/json` },
          until(signal),
        )
        return { id: found.Id, names: namesOf(found), labels: found.Config.Labels ?? {} }
      } catch (error) {
        if (isMissing(error)) return null
        throw failed(error, `The image ${image} cannot be looked at`)
      }
    },

    async remove(image) {
      try {
        const query = { force: '1' }
        await docker.json({ method: 'DELETE', path: pathOf(image), query }, within(removeMs))
        return true
      } catch (error) {
        if (isMissing(error)) return false
        throw failed(error, `The image ${image} cannot be removed`)
      }
    },

    async list(label) {
      try {
        const query = { filters: JSON.stringify({ label: [label] }) }
        const rows = await docker.json<ImageRow[]>(
          { method: 'GET', path: '/images/json', query },
          within(removeMs),
        )
        return rows
          .slice(0, mostImages)
          .map((row) => ({ id: row.Id, names: namesOf(row), labels: row.Labels ?? {} }))
      } catch (error) {
        throw failed(error, 'Images cannot be listed')
      }
    },

    check: async () => void (await docker.version(within(checkMs))),
    close: async () => closing.abort(new AppError('unavailable', 'The server stops')),
  }
}

/** Without what stands for none. */
function namesOf({ RepoTags: names }: ImageRow): string[] {
  return (names ?? []).filter((name) => name !== '<none>:<none>')
}

function isMissing(error: unknown): boolean {
  return error instanceof DockerRefusal && error.status === 404
}

/** A refusal in the words of the port. */
function failed(error: unknown, what: string): unknown {
  if (!(error instanceof DockerRefusal)) return error
  const code = error.status === 409 ? 'resource_conflict' : 'unavailable'
  return new AppError(code, `${what}: ${error.message}`)
}

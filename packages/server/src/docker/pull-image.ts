import { AppError } from '../errors.ts'
import { type Docker, DockerRefusal } from './connect-docker.ts'
import { isMissing } from './explain-refusal.ts'
import { readMessages } from './read-messages.ts'
import { isTold } from './wait-for-end.ts'

/** What registries and engines say of an image that asking again does not bring. */
const isNotThere =
  /not found|manifest unknown|name unknown|does not exist|denied|unauthorized|no basic auth credentials|authentication required|no matching manifest|invalid reference/i

/** What they say of who asks. */
const isRefusedLogin =
  /\bdenied\b|\bunauthorized\b|\bforbidden\b|no basic auth credentials|incorrect username or password|authentication required/i

export interface ImageConfig {
  Entrypoint: string[] | null
  Cmd: string[] | null
}

export interface PullLogin {
  username: string
  password: string
  /** `host[:port]`; null: that of the image's name. */
  serverAddress: string | null
}

/** Brings images to an engine. Several who need the same one at once share one pull. */
export interface ImagePuller {
  /**
   * Resolves when the engine has the image. An `invalid_request` says that there is none of this name, an
   * `unavailable` that its registry could not be asked, or not within the time it has.
   */
  pull(image: string, signal: AbortSignal): Promise<void>
  /**
   * Pulls as whoever logs in, also where the image is there. `authorization_failed`: the registry does not
   * let them have it.
   */
  pullAs(image: string, login: PullLogin, signal: AbortSignal): Promise<void>
  /** What the image says of its command; pulls it where it is missing. */
  readConfig(image: string, signal: AbortSignal): Promise<ImageConfig>
}

export function createImagePuller(
  docker: Docker,
  options: { policy: 'missing' | 'never'; timeoutMs: number },
): ImagePuller {
  const pulling = new Map<string, Promise<void>>()

  const pull = async (image: string, signal: AbortSignal): Promise<void> => {
    if (options.policy === 'never') throw missing(image, 'and this server pulls none')
    let shared = pulling.get(image)
    if (shared === undefined) {
      // Of nobody's signal: the others still wait for it.
      shared = pullOnce(docker, image, options.timeoutMs).finally(() => pulling.delete(image))
      shared.catch(() => {})
      pulling.set(image, shared)
    }
    await untilAborted(shared, signal)
  }

  const pullAs = async (image: string, login: PullLogin, signal: AbortSignal): Promise<void> => {
    if (options.policy === 'never') throw missing(image, 'and this server pulls none')
    await untilAborted(pullOnce(docker, image, options.timeoutMs, { login, signal }), signal)
  }

  const readConfig = async (image: string, signal: AbortSignal): Promise<ImageConfig> => {
    const path = `/images/${encodeURIComponent(image)}/json`
    const read = () => docker.json<{ Config: ImageConfig }>({ method: 'GET', path }, signal)
    try {
      return (await read()).Config
    } catch (error) {
      if (!isMissing(error)) throw error
    }
    await pull(image, signal)
    return (await read()).Config
  }

  return { pull, pullAs, readConfig }
}

async function pullOnce(
  docker: Docker,
  image: string,
  timeoutMs: number,
  as: { login: PullLogin; signal: AbortSignal } | null = null,
): Promise<void> {
  const late = AbortSignal.timeout(timeoutMs)
  const until = as === null ? late : AbortSignal.any([late, as.signal])
  // Without a tag the engine would bring every one there is.
  const name = image.split('/').at(-1) ?? ''
  const query = { fromImage: /[:@]/.test(name) ? image : `${image}:latest` }
  try {
    const answer = await docker.send(
      {
        method: 'POST',
        path: '/images/create',
        query,
        headers: as === null ? {} : { 'x-registry-auth': encodeLogin(as.login) },
        answerMs: null,
      },
      until,
    )
    for await (const message of readMessages(answer)) {
      if (message.error !== undefined) throw new DockerRefusal(500, message.error)
    }
  } catch (error) {
    if (late.aborted) {
      const seconds = Math.round(timeoutMs / 1000)
      throw new AppError(
        'unavailable',
        `The image ${image} could not be pulled within ${seconds} s`,
      )
    }
    as?.signal.throwIfAborted()
    if (!isTold(error)) {
      throw new AppError('unavailable', `The engine broke off while it pulled the image ${image}`)
    }
    if (!(error instanceof DockerRefusal)) throw error
    if (as !== null && isRefusedLogin.test(error.message)) {
      throw new AppError('authorization_failed', `The registry does not give out ${image} to them`)
    }
    if (isNotThere.test(error.message))
      throw missing(image, `and cannot be pulled: ${error.message}`)
    throw new AppError('unavailable', `The image ${image} cannot be pulled: ${error.message}`)
  }
}

/** As the engine's API wants it: JSON in base64 for URLs. */
function encodeLogin({ username, password, serverAddress }: PullLogin): string {
  const serveraddress = serverAddress === null ? {} : { serveraddress: serverAddress }
  // With its padding, which engines expect.
  return Buffer.from(JSON.stringify({ username, password, ...serveraddress }))
    .toString('base64')
    .replaceAll('+', '-')
    .replaceAll('/', '_')
}

function missing(image: string, why: string): AppError {
  return new AppError('invalid_request', `The image ${image} is not there, ${why}`)
}

/** Waits for what goes on without us. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  let stop = () => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error)
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

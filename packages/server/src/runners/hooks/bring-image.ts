import type { RegistryLogin } from '@slipway/contract/runner-hooks'
import { AppError } from '../../errors.ts'
import type { RunDefinition } from '../define-run.ts'
import { matchClass } from '../match-class.ts'
import { isImageAllowed } from '../match-image.ts'
import type { HookDeps, HookListener } from './deps.ts'

/** Refuses an image that the class of a job does not allow. */
export function requireAllowed(
  run: Pick<RunDefinition, 'images' | 'classImage'>,
  image: string,
): void {
  if (isImageAllowed({ image: run.classImage, images: run.images }, image)) return
  throw new AppError('invalid_request', `The runner class does not allow the image ${image}`)
}

/** Refuses an image that the class which would serve a job does not allow. */
export function requireAllowedFor(
  { classes }: Pick<HookDeps, 'classes'>,
  job: { repository: string; labels: readonly string[]; image: string },
): void {
  const match = matchClass(classes, job)
  if (match.class === null) throw new AppError('invalid_request', match.reason)
  const { image, images } = match.class
  requireAllowed({ classImage: image, images }, job.image)
}

/** Brings an image that only some may have. Their login is given to the engine, and kept nowhere. */
export async function bringImage(
  { host }: Pick<HookDeps, 'host'>,
  input: { image: string; registry: RegistryLogin; listener: HookListener },
  signal: AbortSignal,
): Promise<void> {
  const { image, registry } = input
  const { username, password } = registry
  await input.listener.say(`Pulling ${image} as ${username}`)
  const serverAddress = addressOf(registry.serverUrl)
  await host.pullAs(image, { username, password, serverAddress }, signal)
}

/** `https://index.docker.io/v1` and `ghcr.io` alike as their hosts. */
function addressOf(serverUrl: string | undefined): string | null {
  if (serverUrl === undefined || serverUrl === '') return null
  const host = serverUrl.replace(/^https?:\/\//, '').split('/')[0] ?? ''
  // Engines know Docker Hub by no other name than this.
  return /^(?:(?:index|registry-1)\.)?docker\.io$/.test(host) ? 'https://index.docker.io/v1/' : host
}

import type { BuildAttempt } from '../../builds/index.ts'
import { inSpan } from '../../correlation.ts'
import { AppError } from '../../errors.ts'
import type { ImageEngine, ImageLogin, ImageOutput } from '../../ports/image-engine.ts'
import type { Registry } from '../../ports/registry.ts'
import type { BuiltBuildImage } from './build-image.ts'

/** Milliseconds that the registry has to say what it holds. */
const verifyMs = 60_000

export interface PushImageDeps {
  images: ImageEngine
  /** A registry by its `host[:port]`, for reading. */
  openPushed: (address: string, login: ImageLogin | null) => Pick<Registry, 'getManifest'>
}

/**
 * Pushes a build's image to `<registry>/<namespace>/<name>:<tag>`, and asks the registry what it has
 * there now: something else than what was pushed is an AppError `unavailable`, like a registry that is
 * away; a refused login is `authorization_failed`. Answers the name to pull it by, and its digest.
 */
export async function pushImage(
  deps: PushImageDeps,
  input: {
    attempt: Pick<BuildAttempt, 'registry'>
    /** Pushed by its id: another build may have taken its name. */
    image: Pick<BuiltBuildImage, 'image' | 'imageId'>
    output: ImageOutput
    login: ImageLogin | null
  },
  signal: AbortSignal,
): Promise<{ url: string; digest: string }> {
  const { attempt, output, login } = input
  const { image, imageId } = input.image
  const { registry } = attempt
  if (registry === null) {
    throw new AppError('invalid_request', 'The build names no registry to push to')
  }
  const { address, namespace } = registry
  if (login !== null && login.serverAddress !== address) {
    const now = login.serverAddress
    throw new AppError(
      'unavailable',
      `The registry was changed from ${address} to ${now} while the build ran; try it again`,
    )
  }
  const path = namespace === null ? image : `${namespace}/${image}`
  const url = `${address}/${path}`
  const say = (text: string) => output.write(Buffer.from(`${text}\n`))
  await say(`Pushing ${url}`)
  const { digest } = await inSpan(
    'image push',
    { kind: 'client', attributes: { 'slipway.registry': address, 'slipway.oci_repository': path } },
    () => deps.images.push({ image: imageId, target: url, login }, output, signal),
  )
  const [, name = '', tag = ''] = /^(.*):([^:/]+)$/.exec(path) ?? []
  const limit = AbortSignal.any([signal, AbortSignal.timeout(verifyMs)])
  const stored = await deps.openPushed(address, login).getManifest(name, tag, limit)
  if (stored?.digest !== digest) {
    throw new AppError(
      'unavailable',
      `The registry has ${stored?.digest ?? 'nothing'} as ${url}, and ${digest} was pushed`,
    )
  }
  await say(`Pushed ${url}@${digest}; the registry has it`)
  return { url, digest }
}

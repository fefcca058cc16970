import { type BuildAttempt, imageJobLabel, outputPrefix } from '../../builds/index.ts'
import type { BuiltBuildImage } from './build-image.ts'
import type { BuildWorkDeps } from './deps.ts'

type Deps = Pick<BuildWorkDeps, 'objects' | 'images' | 'log'>

/** Removes what earlier attempts of a build may have left, whose workers died. What can't be removed is logged. */
export async function removeLeftovers(
  deps: Deps,
  attempt: BuildAttempt,
  jobId: string,
): Promise<void> {
  for (let number = 1; number < attempt.number; number++) {
    await removeFiles(deps, attempt.buildId, number)
  }
  if (!attempt.steps.includes('build_image')) return
  await logged(deps, 'images of an earlier attempt could not be removed', async () => {
    const left = await deps.images.list(`${imageJobLabel}=${jobId}`)
    for (const { id } of left) await deps.images.remove(id)
  })
}

/** Removes what an attempt has made that came to nothing. What can't be removed is logged. */
export async function discardOutputs(
  deps: Deps,
  input: { attempt: BuildAttempt; image: BuiltBuildImage | undefined },
): Promise<void> {
  const { attempt, image } = input
  if (attempt.steps.includes('create_zip')) {
    await removeFiles(deps, attempt.buildId, attempt.number)
  }
  if (image !== undefined) await removeImage(deps, image)
}

/** Removes an image that nobody needs here. What can't be removed is logged. */
export async function removeImage(deps: Deps, { imageId }: BuiltBuildImage): Promise<void> {
  await logged(deps, 'the image of a build could not be removed', () => deps.images.remove(imageId))
}

async function removeFiles(deps: Deps, buildId: number, number: number): Promise<void> {
  await logged(deps, 'files of a build could not be removed', () =>
    deps.objects.deletePrefix(outputPrefix(buildId, number)),
  )
}

async function logged(
  { log }: Deps,
  message: string,
  action: () => Promise<unknown>,
): Promise<void> {
  try {
    await action()
  } catch (error) {
    log.warn({ err: error }, message)
  }
}

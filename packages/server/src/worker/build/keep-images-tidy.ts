import { setTimeout as sleep } from 'node:timers/promises'
import { imageJobLabel } from '../../builds/index.ts'
import { AppError } from '../../errors.ts'
import type { BuildWorkDeps } from './deps.ts'

/** Milliseconds between two looks at the images of builds. */
const everyMs = 30 * 60_000
/** What others may have put into the label is none of ours. */
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** Milliseconds until the first, when the start is over. */
const firstMs = 60_000

/**
 * Removes, now and then, images of builds that nobody needs any more from this worker's engine: those that
 * have expired, and what attempts left that died. Servers reach their own engine alone.
 */
export function keepImagesTidy(deps: Pick<BuildWorkDeps, 'builds' | 'images' | 'log'>): {
  close(): Promise<void>
} {
  const closing = new AbortController()
  const { signal } = closing
  const rest = (ms: number) => sleep(ms, undefined, { signal }).catch(() => undefined)
  const keep = async () => {
    await rest(firstMs)
    while (!signal.aborted) {
      await removeUnneededImages(deps, signal).catch((error: unknown) => {
        if (signal.aborted) return
        // Where there is no engine there are no images either.
        const isAway = error instanceof AppError && error.code === 'unavailable'
        deps.log[isAway ? 'debug' : 'warn']({ err: error }, 'images were not looked through')
      })
      await rest(everyMs)
    }
  }
  const kept = keep()
  return {
    async close() {
      closing.abort(new Error('the worker ends'))
      await kept
    },
  }
}

/** Once. Answers how many it removed; what cannot be removed stays for the next time. */
export async function removeUnneededImages(
  { builds, images, log }: Pick<BuildWorkDeps, 'builds' | 'images' | 'log'>,
  signal: AbortSignal,
): Promise<number> {
  const found = await images.list(imageJobLabel)
  const jobOf = ({ labels }: (typeof found)[number]) => labels[imageJobLabel] ?? ''
  const jobs = [...new Set(found.map(jobOf))].filter((id) => uuid.test(id))
  const unneeded = new Set(await builds.findUnneededImages(jobs))
  let removed = 0
  for (const image of found.filter((each) => unneeded.has(jobOf(each)))) {
    signal.throwIfAborted()
    try {
      if (await images.remove(image.id)) removed += 1
    } catch (error) {
      log.warn({ err: error, image: image.id }, 'an image that nobody needs was not removed')
    }
  }
  return removed
}

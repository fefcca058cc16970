import { AppError } from '../errors.ts'

/** Runs a preview, or refuses it (`unavailable`) where as many as may run already. */
export type PreviewTurns = <T>(preview: () => Promise<T>) => Promise<T>

/** Lets `atOnce` previews run at once on this server. Nobody waits: each may take minutes. */
export function limitPreviews(atOnce: number): PreviewTurns {
  let running = 0
  return async (preview) => {
    if (running >= atOnce) {
      throw new AppError('unavailable', `${atOnce} previews are running already: try again soon`, {
        retry_after_seconds: 10,
      })
    }
    running += 1
    try {
      return await preview()
    } finally {
      running -= 1
    }
  }
}

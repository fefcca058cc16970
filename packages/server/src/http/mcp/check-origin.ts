import { isOwnOrigin } from '../../access/index.ts'
import { AppError } from '../../errors.ts'

/** Refuses what a page of another site makes a browser send. Programs send no `Origin`, and pass. */
export function checkOrigin(
  asked: { origin: string | undefined; host: string },
  publicUrl: string | null,
): void {
  if (isOwnOrigin(asked, publicUrl)) return
  const { origin } = asked
  throw new AppError('authorization_failed', 'Pages of other sites may not ask this', { origin })
}

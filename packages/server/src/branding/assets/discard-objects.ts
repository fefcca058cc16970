import type { BrandingDeps } from '../deps.ts'

/** Keeps the keys of what was put into the object store for `work`, and deletes all of it where that fails. */
export async function orDiscard<T>(
  { objects }: Pick<BrandingDeps, 'objects'>,
  work: (stored: string[]) => Promise<T>,
): Promise<T> {
  const stored: string[] = []
  try {
    return await work(stored)
  } catch (error) {
    for (const key of stored) await objects.delete(key).catch(() => undefined)
    throw error
  }
}

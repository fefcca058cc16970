import { AppError } from '../../../errors.ts'

/**
 * Marks what the work itself says is `unavailable`, e.g. a registry, so that a worker of another machine can
 * tell it from a server that cannot answer just now, and may be asked again.
 */
export async function answeredByWork<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'unavailable') throw error
    throw new AppError(error.code, error.message, { ...error.details, answered: true })
  }
}

import { AppError } from '../errors.ts'
import type { OpenCredential } from './read-credential.ts'

/** `owner/name`, or `owner/*` for all of an owner. */
const repositoryPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,98}\/([A-Za-z0-9._-]{1,100}|\*)$/
const mostRepositories = 500

/** Why `metadata.repositories` cannot be what it is; null when it can, or is not there. */
export function repositoriesProblem(metadata: Readonly<Record<string, unknown>>): string | null {
  const value = metadata['repositories']
  if (value === undefined) return null
  const isList =
    Array.isArray(value) &&
    value.length <= mostRepositories &&
    value.every((item) => typeof item === 'string' && repositoryPattern.test(item))
  return isList
    ? null
    : `must be a list of at most ${mostRepositories} repositories, each owner/name or owner/*: those whose commits may name it`
}

/**
 * Refuses a credential to a commit that names it, with `authorization_failed`. One that says for whom it
 * is, is for nobody else. One that does not may be named by any repository, but only for the place that
 * it is for itself: where else it goes is not for a commit to choose.
 */
export function allowUse(
  credential: Pick<OpenCredential, 'name' | 'repositories'>,
  input: {
    /** The repository whose commit names it; null: the server's settings do. */
    askedBy: string | null
    /** Whether the credential is for that place and no other. */
    isBound: boolean
    /** What it would have to say to be, for people. */
    remedy: string
  },
): void {
  const { name, repositories } = credential
  const { askedBy, isBound, remedy } = input
  if (askedBy === null) return
  const [owner = ''] = askedBy.split('/')
  if (repositories === null) {
    if (isBound) return
    throw new AppError(
      'authorization_failed',
      `The credential ${name} may be sent nowhere that a commit of ${askedBy} says: ${remedy}, or ${askedBy} in its metadata.repositories, would allow it`,
    )
  }
  if (repositories.includes(askedBy) || repositories.includes(`${owner}/*`)) return
  throw new AppError(
    'authorization_failed',
    `The credential ${name} is not for ${askedBy}: its metadata.repositories does not name it`,
  )
}

import type { PublisherConfig, ServerPublisherConfig } from '@slipway/forge'
import { AppError } from '../errors.ts'

/** A publisher's configuration, and who has written it. */
export interface ChosenPublisher extends PublisherConfig {
  /** The repository, where it is its own; null: the server's operator. */
  askedBy: string | null
}

/** The publisher of a name: the repository's own, else one of the server's. */
export function choosePublisher(
  name: string,
  from: {
    repository: string
    own: readonly PublisherConfig[]
    ofServer: readonly ServerPublisherConfig[]
  },
): ChosenPublisher {
  const own = from.own.find((publisher) => publisher.name === name)
  if (own !== undefined) return { ...own, askedBy: from.repository }
  const central = from.ofServer.find((publisher) => publisher.name === name)
  if (central === undefined) {
    throw new AppError(
      'resource_not_found',
      `There is no publisher ${name}, neither in the repository file nor on the server`,
    )
  }
  const [owner = ''] = from.repository.split('/')
  const { repositories } = central
  const isAllowed =
    repositories === null ||
    repositories.includes(from.repository) ||
    repositories.includes(`${owner}/*`)
  if (isAllowed) return { ...central, askedBy: null }
  throw new AppError('authorization_failed', `The publisher ${name} is not for ${from.repository}`)
}

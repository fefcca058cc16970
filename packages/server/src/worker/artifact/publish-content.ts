import type { PublisherConfig, ServerPublisherConfig } from '@slipway/forge'
import { AppError } from '../../errors.ts'
import type {
  ArtifactContent,
  ArtifactIdentity,
  PublishedTo,
  Publishers,
} from '../../ports/publisher.ts'
import type { PublishedPlace } from '../../runs/index.ts'

export type Place = PublishedPlace & Pick<PublishedTo, 'signable'>

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

/** Puts the content into one place. Null when the place does not take it now; `say` has told why. */
export async function publishTo(
  deps: { publishers: Publishers; say: (line: string) => Promise<void> },
  input: { publisher: ChosenPublisher; artifact: ArtifactIdentity; content: ArtifactContent },
  signal: AbortSignal,
): Promise<Place | null> {
  const { publisher, artifact, content } = input
  const { name, type, credentials: credential, askedBy } = publisher
  const adapter = deps.publishers[type]
  if (adapter === undefined) {
    throw new AppError('invalid_request', `The server has no publishers of type ${type}`)
  }
  try {
    const publication = { artifact, content, with: publisher.with, credential, askedBy }
    const result = await adapter.publish(publication, signal)
    if ('skipped' in result) {
      await deps.say(`Not published to ${name} (${type}): ${result.skipped}`)
      return null
    }
    await deps.say(`Published to ${name} (${type}): ${result.uri}`)
    await deps.say(`  ${result.digest}`)
    return { publisher: name, type, ...result }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw new AppError(error.code, `Publishing to ${name} (${type}): ${error.message}`)
  }
}

import { AppError } from '../../errors.ts'
import type {
  ArtifactContent,
  ArtifactIdentity,
  PublishedTo,
  Publishers,
} from '../../ports/publisher.ts'
import type { ChosenPublisher, PublishedPlace } from '../../runs/index.ts'

export type Place = PublishedPlace & Pick<PublishedTo, 'signable'>

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

import { checkShape } from './check-shape.ts'
import type { PublisherConfig } from './config.ts'
import { normalisePublisher } from './normalise-repository.ts'
import { asArray, asRecord, field } from './raw.ts'
import { NamedRecord } from './schema/fields.ts'
import { ServerPublisher } from './schema/publishers.ts'

/** A publisher of the server's settings, which artifacts name like those of their repository file. */
export interface ServerPublisherConfig extends PublisherConfig {
  /** `owner/name` or `owner/*`; null: every repository may use it. */
  repositories: string[] | null
}

const ServerPublishers = NamedRecord(
  ServerPublisher,
  'Publishers of all repositories, by name.',
  50,
)

/** Reads the `publishers` of the server's settings; with problems there are no publishers. */
export function readServerPublishers(value: unknown): {
  publishers: ServerPublisherConfig[]
  /** `path` is a JSON pointer into `value`. */
  problems: { path: string; message: string }[]
} {
  const problems: { path: string; message: string }[] = []
  checkShape(ServerPublishers, value, '.', (path, message) => void problems.push({ path, message }))
  if (problems.length > 0) return { publishers: [], problems }
  const publishers = Object.entries(asRecord(value)).map(([name, written]) => {
    const { repositories: _, ...publisher } = asRecord(written)
    const repositories = asArray(field(written, 'repositories')) as string[]
    return {
      ...normalisePublisher([name, publisher]),
      repositories: repositories.length === 0 ? null : repositories,
    }
  })
  return { publishers, problems }
}

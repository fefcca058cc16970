import { readServerPublishers, type ServerPublisherConfig } from '@slipway/forge'
import Type from 'typebox'
import { asMapping } from './check-mapping.ts'

const key = (description: string) => Type.Optional(Type.String({ description }))

/** `publishers` of the file, flat: which type has which of these keys is checked when they are read. */
export const PublishersFile = Type.Record(
  Type.String(),
  Type.Object(
    {
      type: Type.String({
        description: '`oci`, `s3`, `github` or `npm` as in a repository file, or `filesystem`.',
      }),
      path: key('Absolute path of the directory that a `filesystem` publisher writes to.'),
      registry: key('Registry of `oci` and `npm`.'),
      bucket: key('Bucket of `s3`.'),
      prefix: key('Put before every key in the bucket.'),
      region: key('Region of the bucket.'),
      endpoint: key('URL of an S3-compatible service.'),
      repository: key('Repository of `github`, as owner/name.'),
      access: key('`public` or `restricted`, for scoped packages of `npm`.'),
      distTag: key('Name that points to the version of `npm` published last.'),
      credentials: key('Name of stored credentials.'),
      repositories: Type.Optional(
        Type.Array(Type.String(), {
          description: 'Who may use it, as `owner/name` or `owner/*`; default: every repository.',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  { description: 'Publishers by name, which artifacts of every repository may name.' },
)

/** The publishers there are. `content` is the file's; every problem goes to `problem`. */
export function readPublishers(
  content: unknown,
  problem: (message: string) => void,
): readonly ServerPublisherConfig[] {
  const { publishers, problems } = readServerPublishers(asMapping(content))
  for (const { path, message } of problems) problem(`publishers${path}: ${message}`)
  return publishers
}

import Type, { type TProperties } from 'typebox'
import { Name, Text } from './fields.ts'

const registryPattern =
  '^[A-Za-z0-9][A-Za-z0-9.-]{0,252}(:\\d{1,5})?(/[a-z0-9][a-z0-9._/-]{0,127})?$'

function publisher(type: string, description: string, keys: TProperties) {
  return Type.Object(
    {
      type: Type.Literal(type, { description: 'What kind of place this is.' }),
      ...keys,
      credentials: Type.Optional(Name('Name of credentials stored on the server.')),
    },
    { additionalProperties: false, description },
  )
}

/** Where artifacts are published. Adding a type is adding an entry. */
export const Publisher = Type.Union(
  [
    publisher('oci', 'A container registry; takes artifacts of every type.', {
      registry: Type.String({
        pattern: registryPattern,
        expected: 'a registry such as ghcr.io or registry.example.com:5000/team',
        description: 'Host of the registry, with an optional port and path.',
      }),
    }),
    publisher('s3', 'A bucket; takes binaries and archives.', {
      bucket: Type.String({
        pattern: '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$',
        expected: 'the name of a bucket',
        description: 'Name of the bucket.',
      }),
      prefix: Type.Optional(Text('Put before every key.', 500)),
      region: Type.Optional(Text('Region of the bucket.', 100)),
      endpoint: Type.Optional(
        Type.String({
          pattern: '^https?://[^\\s/?#@]+/?$',
          maxLength: 300,
          expected: 'the URL of an S3 endpoint',
          description: 'URL of an S3-compatible service; default: AWS.',
        }),
      ),
    }),
    publisher(
      'github',
      "Assets of the repository's GitHub releases; takes binaries and archives.",
      {
        repository: Type.Optional(
          Type.String({
            pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,98}/[A-Za-z0-9._-]{1,100}$',
            expected: 'a repository as owner/name',
            description: 'Another repository than this one, as owner/name.',
          }),
        ),
      },
    ),
  ],
  {
    discriminator: { key: 'type', noun: 'publisher type' },
    description: 'Where artifacts are published.',
  },
)

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

const variants = [
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
  publisher('github', "Assets of the repository's GitHub releases; takes binaries and archives.", {
    repository: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,98}/[A-Za-z0-9._-]{1,100}$',
        expected: 'a repository as owner/name',
        description: 'Another repository than this one, as owner/name.',
      }),
    ),
  }),
  publisher('npm', 'An npm registry; takes archives that are packages.', {
    registry: Type.Optional(
      Type.String({
        pattern: '^https?://[^\\s?#@]+$',
        maxLength: 300,
        expected: 'the URL of an npm registry',
        description: 'URL of the registry; default: https://registry.npmjs.org.',
      }),
    ),
    access: Type.Optional(
      Type.Enum(['public', 'restricted'], {
        description: 'Who may read a scoped package; default: as the registry has it.',
      }),
    ),
    distTag: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z][A-Za-z0-9._-]{0,62}$',
        expected: 'a dist-tag such as latest or next',
        description: 'Name that points to the version published last; default: latest.',
      }),
    ),
  }),
]

const discriminator = { key: 'type', noun: 'publisher type' }

/** Where artifacts are published, as a repository may say it. Adding a type is adding an entry. */
export const Publisher = Type.Union(variants, {
  discriminator,
  description: 'Where artifacts are published.',
})

const repositories = Type.Optional(
  Type.Array(
    Type.String({
      pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,98}/([A-Za-z0-9._-]{1,100}|\\*)$',
      expected: 'a repository as owner/name, or owner/*',
      description: 'A repository as owner/name, or all of an owner as owner/*.',
    }),
    { minItems: 1, maxItems: 500, description: 'Who may use it; default: every repository.' },
  ),
)

/**
 * Where artifacts are published, as the server's operator may say it for all repositories: besides
 * the types of a repository file there are directories of the server, which no commit may choose.
 */
export const ServerPublisher = Type.Union(
  [
    ...variants.map((variant) =>
      Type.Object({ ...variant.properties, repositories }, { additionalProperties: false }),
    ),
    Type.Object(
      {
        type: Type.Literal('filesystem', { description: 'A directory of the server.' }),
        path: Type.String({
          pattern: '^/[^\\u0000]*$',
          maxLength: 1_000,
          expected: 'an absolute path',
          description: 'Absolute path of the directory.',
        }),
        repositories,
      },
      { additionalProperties: false },
    ),
  ],
  { discriminator, description: 'A publisher that every repository may name.' },
)

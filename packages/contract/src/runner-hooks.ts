import Type, { type Static } from 'typebox'
import { RepositoryName, Text } from './fields.ts'
import { Answer } from './runner-answers.ts'

// What the container hooks of a proxy runner ask for, beside `POST /api/jobs/delegate`. All of it is ours:
// the documents end where a container has been delegated.

const Environment = Type.Record(
  Type.String({ pattern: '^[^=\\u0000]{1,300}$' }),
  Type.String({ maxLength: 1_048_576, pattern: '^[^\\u0000]*$' }),
  {
    maxProperties: 2_000,
    description: 'Reaches the command alone: not the container’s configuration, and no log.',
  },
)
const Words = (description: string) =>
  Type.Array(Type.String({ maxLength: 131_072, pattern: '^[^\\u0000]*$' }), {
    maxItems: 1_000,
    description,
  })
const Path = (description: string) => Text({ minLength: 1, maxLength: 4_096, description })
const PrependPath = Type.Array(Path('Directory in the container.'), {
  maxItems: 100,
  description: 'What comes before the container’s own PATH.',
})
const ImageName = Text({
  minLength: 1,
  maxLength: 500,
  description: 'Image, as `docker pull` takes it.',
})
const Options = Text({
  maxLength: 2_000,
  description:
    'Options as `docker create` has them; what is not among the harmless ones is refused by its name.',
})
const Mounts = Type.Array(
  Type.Object(
    {
      source: Path('Absolute, on the host.'),
      target: Path('Absolute.'),
      readOnly: Type.Optional(Type.Boolean({ default: false })),
    },
    { additionalProperties: false },
  ),
  { maxItems: 64, description: 'Only below the `mounts` of the runner class.' },
)

/** Whom a registry is told that the image is pulled for. Kept nowhere. */
export const RegistryLogin = Type.Object(
  {
    username: Text({ minLength: 1, maxLength: 500 }),
    password: Text({ minLength: 1, maxLength: 16_384 }),
    serverUrl: Type.Optional(
      Text({ maxLength: 500, description: 'Default: that of the image’s name.' }),
    ),
  },
  { $id: 'RegistryLogin', additionalProperties: false },
)
export type RegistryLogin = Static<typeof RegistryLogin>

/** Brings an image that only its registry’s users may pull, before a job is delegated that runs in it. */
export const PullJobImageRequest = Type.Object(
  {
    repository: RepositoryName,
    labels: Type.Array(Text({ minLength: 1, maxLength: 200 }), { maxItems: 32 }),
    image: ImageName,
    registry: RegistryLogin,
  },
  { $id: 'PullJobImageRequest', additionalProperties: false },
)
export type PullJobImageRequest = Static<typeof PullJobImageRequest>

/** A container beside the job’s, which reaches it by any of its names. */
export const ServiceContainerRequest = Type.Object(
  {
    names: Type.Array(Text({ minLength: 1, maxLength: 63 }), {
      minItems: 1,
      maxItems: 8,
      description: 'Host names in the job’s network.',
    }),
    image: ImageName,
    entrypoint: Type.Optional(Text({ minLength: 1, maxLength: 4_096 })),
    args: Type.Optional(Words('In place of the image’s own command.')),
    env: Type.Optional(Environment),
    mounts: Type.Optional(Mounts),
    options: Type.Optional(Options),
    registry: Type.Optional(RegistryLogin),
    ports: Type.Optional(
      Type.Array(Text({ maxLength: 40 }), {
        maxItems: 50,
        description: 'As GitHub writes them: `80`, `8080:80/tcp`. None is opened on the host.',
      }),
    ),
  },
  { $id: 'ServiceContainerRequest', additionalProperties: false },
)
export type ServiceContainerRequest = Static<typeof ServiceContainerRequest>

/** Waits for the job’s container, and starts what it needs beside it. */
export const PrepareJobContainerRequest = Type.Object(
  { services: Type.Optional(Type.Array(ServiceContainerRequest, { maxItems: 20 })) },
  { $id: 'PrepareJobContainerRequest', additionalProperties: false },
)
export type PrepareJobContainerRequest = Static<typeof PrepareJobContainerRequest>

/** Runs a command in the job’s container. */
export const RunInJobContainerRequest = Type.Object(
  {
    argv: Type.Array(Type.String({ maxLength: 131_072, pattern: '^[^\\u0000]*$' }), {
      minItems: 1,
      maxItems: 1_000,
      description: 'Program and arguments; no shell reads them.',
    }),
    env: Type.Optional(Environment),
    workdir: Type.Optional(Path('Absolute.')),
    prependPath: Type.Optional(PrependPath),
  },
  { $id: 'RunInJobContainerRequest', additionalProperties: false },
)
export type RunInJobContainerRequest = Static<typeof RunInJobContainerRequest>

/** Runs a container of its own in the job’s network, and removes it. */
export const RunStepContainerRequest = Type.Object(
  {
    image: Type.Optional(ImageName),
    dockerfile: Type.Optional(
      Path('In place of an image: absolute, on the host. It is built with the directory it is in.'),
    ),
    entrypoint: Type.Optional(Text({ minLength: 1, maxLength: 4_096 })),
    args: Type.Optional(Words('In place of the image’s own command.')),
    env: Type.Optional(Environment),
    workdir: Type.Optional(Path('Absolute.')),
    mounts: Type.Optional(Mounts),
    prependPath: Type.Optional(PrependPath),
    options: Type.Optional(Options),
    registry: Type.Optional(RegistryLogin),
  },
  { $id: 'RunStepContainerRequest', additionalProperties: false },
)
export type RunStepContainerRequest = Static<typeof RunStepContainerRequest>

/**
 * One line of the answer to all of these, which is JSON lines (`application/x-ndjson`). The last one is
 * `done` or `failed`; an answer that ends with neither has broken off, and what it was about is unknown.
 */
export const HookMessage = Type.Union(
  [
    Type.Object({ type: Type.Literal('note'), text: Type.String({ description: 'For people.' }) }),
    Type.Object({
      type: Type.Literal('output'),
      data: Type.String({ description: 'Bytes that the command wrote, in base64.' }),
    }),
    Type.Object({ type: Type.Literal('ping') }, { description: 'It goes on; every ten seconds.' }),
    Type.Object({ type: Type.Literal('done'), result: Type.Unknown() }),
    Type.Object({ type: Type.Literal('failed'), error: Type.String(), code: Type.String() }),
  ],
  { $id: 'HookMessage' },
)
export type HookMessage = Static<typeof HookMessage>

/** `result` of an image that was pulled: nothing more to say. */
export interface PulledJobImage {
  image: string
}

/** `result` of a prepared container. */
export interface PreparedJobContainer {
  container: { id: string; network: string }
  /** In the order they were asked for. */
  services: {
    id: string
    network: string
    /** Port in the container → port that it is reached by, under the service’s name. */
    ports: Record<string, string>
  }[]
  isAlpine: boolean
}

/** `result` of a command or a step’s container. */
export interface EndedCommand {
  exitCode: number
}

export const RemovedJobContainer = Answer(
  'RemovedJobContainer',
  Type.Object({ removed: Type.Integer({ description: 'Containers that were there.' }) }),
)
export type RemovedJobContainer = Static<typeof RemovedJobContainer>

import Type, { type Static } from 'typebox'
import { Text } from './fields.ts'
import { WorkerAttemptParams } from './worker-api.ts'

// What a worker on another machine needs to make an artifact: the home registry through its server, logins of
// the publishers that the artifact names, and signatures by a key that it never has.

const Digest = Type.String({ pattern: '^sha256:[0-9a-f]{64}$' })

/** Bytes of one blob in the home registry. */
export const mostBlobBytes = 100 * 1024 * 1024 * 1024
/** Bytes of one manifest. */
export const mostManifestBytes = 4 * 1024 * 1024

/** One blob of the artifact's repository in the home registry. */
export const WorkerBlobParams = Type.Object({
  ...WorkerAttemptParams.properties,
  digest: Digest,
})
export type WorkerBlobParams = Static<typeof WorkerBlobParams>

export const WorkerManifestQuery = Type.Object(
  {
    reference: Type.String({ pattern: '^[A-Za-z0-9_.:-]{1,200}$', description: 'Tag or digest.' }),
  },
  { $id: 'WorkerManifestQuery', additionalProperties: false },
)
export type WorkerManifestQuery = Static<typeof WorkerManifestQuery>

/** Bytes in base64, as they are: digests are about them. */
const Content = Type.String({
  pattern: '^[A-Za-z0-9+/]*={0,2}$',
  maxLength: Math.ceil((mostManifestBytes * 4) / 3) + 4,
})

export const WorkerManifestResponse = Type.Object(
  {
    manifest: Type.Union([
      Type.Object({ digest: Digest, mediaType: Type.String(), content: Type.String() }),
      Type.Null(),
    ]),
  },
  { $id: 'WorkerManifestResponse' },
)
export type WorkerManifestResponse = Static<typeof WorkerManifestResponse>

export const PutWorkerManifestRequest = Type.Object(
  {
    mediaType: Text({ minLength: 1, maxLength: 200 }),
    content: Content,
    tags: Type.Array(Type.String({ pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$' }), {
      maxItems: 20,
    }),
  },
  { $id: 'PutWorkerManifestRequest', additionalProperties: false },
)
export type PutWorkerManifestRequest = Static<typeof PutWorkerManifestRequest>

export const PutWorkerManifestResponse = Type.Object(
  { digest: Digest },
  { $id: 'PutWorkerManifestResponse' },
)
export type PutWorkerManifestResponse = Static<typeof PutWorkerManifestResponse>

const Url = Text({ minLength: 1, maxLength: 2_048 })

/** Asks for the login of a publisher that the artifact names, for one place. */
export const PublisherLoginRequest = Type.Object(
  {
    credential: Text({ minLength: 1, maxLength: 200, description: 'Its name.' }),
    by: Type.Enum(['commit', 'server'], { description: 'Who has chosen the publisher.' }),
    use: Type.Union([
      Type.Object({ kind: Type.Literal('registry') }, { additionalProperties: false }),
      Type.Object(
        { kind: Type.Literal('bucket'), endpoint: Type.Union([Url, Type.Null()]) },
        { additionalProperties: false },
      ),
      Type.Object({ kind: Type.Literal('npm'), registry: Url }, { additionalProperties: false }),
      Type.Object(
        { kind: Type.Literal('github'), repository: Text({ minLength: 3, maxLength: 140 }) },
        { additionalProperties: false },
      ),
    ]),
  },
  { $id: 'PublisherLoginRequest', additionalProperties: false },
)
export type PublisherLoginRequest = Static<typeof PublisherLoginRequest>

/** What opens the place, according to its kind. */
export const PublisherLoginResponse = Type.Object(
  {
    login: Type.Union([
      Type.Object({
        kind: Type.Literal('registry'),
        username: Type.String(),
        password: Type.String(),
        registryUrl: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
      }),
      Type.Object({
        kind: Type.Literal('bucket'),
        accessKeyId: Type.String(),
        secretAccessKey: Type.String(),
        sessionToken: Type.Optional(Type.String()),
      }),
      Type.Object({ kind: Type.Literal('npm'), token: Type.String() }),
      Type.Object({
        kind: Type.Literal('github'),
        token: Type.String(),
        apiUrl: Type.String(),
      }),
    ]),
  },
  { $id: 'PublisherLoginResponse' },
)
export type PublisherLoginResponse = Static<typeof PublisherLoginResponse>

/** Asks for a signature of a manifest of the artifact. */
export const SignDigestRequest = Type.Object(
  {
    reference: Text({
      minLength: 1,
      maxLength: 1_000,
      description:
        'Where it is: the artifact’s repository in the home registry, or in that of a publisher.',
    }),
    digest: Digest,
  },
  { $id: 'SignDigestRequest', additionalProperties: false },
)
export type SignDigestRequest = Static<typeof SignDigestRequest>

export const SignDigestResponse = Type.Object(
  { signature: Type.String({ description: 'Of cosign’s payload, in base64.' }) },
  { $id: 'SignDigestResponse' },
)
export type SignDigestResponse = Static<typeof SignDigestResponse>

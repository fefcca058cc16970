import { AppError } from '../../../errors.ts'
import type { Publication, Publisher } from '../../../ports/publisher.ts'
import { publicationPath, requireFile, textKey } from '../publication-path.ts'

export interface AwsKeys {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

/** `endpoint` is where requests go that are signed by them, null: AWS; `askedBy` as in a publication. */
type OpenKeys = (
  credential: string,
  use: { endpoint: string | null; askedBy: string | null },
) => Promise<AwsKeys>

const defaultRegion = 'us-east-1'
/** Where the digest of an object's content is kept with it. */
const digestKey = 'sha256'
/** Bytes of a part, at least; there are at most 10,000 parts. */
const partBytes = 16 * 1024 * 1024
const partsAtOnce = 2
const connectMs = 10_000
/** Without a byte in either direction. */
const silenceMs = 60_000

/**
 * Publishes to buckets of S3 and what speaks its protocol, at
 * `<prefix><owner>/<name>/<project>/<commit>/<artifact>/<digest>/<file>`. Large files travel in parts, which
 * become visible together. Without a credential the AWS SDK looks for one as it always does, in
 * the server's environment and in the machine's role; these are for places that the operator has
 * chosen, and never for those of a commit.
 */
export function createS3Publisher(deps: { openKeys: OpenKeys }): Publisher {
  return {
    async publish(publication, signal) {
      const content = requireFile(publication)
      const bucket = textKey(publication, 'bucket')
      if (bucket === null) throw new AppError('invalid_request', 'It names no bucket')
      const key =
        (textKey(publication, 'prefix') ?? '') + publicationPath(publication.artifact, content)
      const place = { Bucket: bucket, Key: key }
      const { HeadObjectCommand, S3Client } = await import('@aws-sdk/client-s3')
      const client = new S3Client(await clientOptions(deps, publication))
      try {
        const there = await client
          .send(new HeadObjectCommand(place), { abortSignal: signal })
          .then(({ Metadata }) => Metadata?.[digestKey] ?? 'unknown', notThere)
        if (there !== null && there !== content.digest) {
          throw new AppError(
            'resource_conflict',
            `s3://${bucket}/${key} is there already, with other content`,
          )
        }
        if (there === null) {
          const { Upload } = await import('@aws-sdk/lib-storage')
          const body = content.open()
          const upload = new Upload({
            client,
            params: {
              ...place,
              Body: body,
              ContentType: content.mediaType,
              Metadata: { [digestKey]: content.digest },
            },
            partSize: Math.max(partBytes, Math.ceil(content.size / 9_000)),
            queueSize: partsAtOnce,
          })
          // It waits for the next bytes until there are some, or will never be any.
          const stop = () => {
            body.destroy(new Error('aborted'))
            void upload.abort()
          }
          signal.addEventListener('abort', stop, { once: true })
          try {
            signal.throwIfAborted()
            await upload.done()
          } finally {
            signal.removeEventListener('abort', stop)
            body.destroy()
          }
        }
      } catch (error) {
        signal.throwIfAborted()
        throw explain(error, bucket)
      } finally {
        client.destroy()
      }
      return { uri: `s3://${bucket}/${key}`, digest: content.digest }
    },
  }
}

async function clientOptions(deps: { openKeys: OpenKeys }, publication: Publication) {
  const endpoint = textKey(publication, 'endpoint')
  const { credential, askedBy } = publication
  if (credential === null && askedBy !== null) {
    throw new AppError(
      'authorization_failed',
      'It names no credentials, and those of the server itself are only for publishers of its settings',
    )
  }
  return {
    region: textKey(publication, 'region') ?? defaultRegion,
    // Others than AWS answer to a path more often than to a host name of each bucket.
    ...(endpoint === null ? {} : { endpoint, forcePathStyle: true }),
    ...(credential === null
      ? {}
      : { credentials: await deps.openKeys(credential, { endpoint, askedBy }) }),
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 4,
    requestHandler: { connectionTimeout: connectMs, requestTimeout: silenceMs },
  } as const
}

/** A credential that may not list is refused for a key that is not there: only writing will tell. */
function notThere(error: unknown): null {
  const status = statusOf(error)
  if (status === 404 || status === 403) return null
  throw error
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
}

function explain(error: unknown, bucket: string): unknown {
  if (error instanceof AppError || !(error instanceof Error)) return error
  const status = statusOf(error)
  if (status === 403 || status === 401) {
    return new AppError('authorization_failed', `The bucket ${bucket} refuses it: ${error.name}`)
  }
  const known = status !== undefined && status < 500
  return new AppError(
    'unavailable',
    known
      ? `The bucket ${bucket} does not take it: ${error.name}`
      : `The service of the bucket ${bucket} is away or broken: ${error.name}`,
  )
}

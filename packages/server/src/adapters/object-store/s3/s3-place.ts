import { readFile } from 'node:fs/promises'
import { Agent } from 'node:https'
import { rootCertificates } from 'node:tls'
import { S3Client } from '@aws-sdk/client-s3'

/** A bucket of S3 or of what speaks its protocol, and how it is reached. */
export interface S3Place {
  /** Null: AWS. */
  endpoint: string | null
  /** Where clients of links reach it, where that is another address. */
  publicEndpoint: string | null
  bucket: string
  region: string
  /** Null: what AWS's SDK finds in the environment, its files or the machine's role. */
  keys: { accessKeyId: string; secretAccessKey: string } | null
  /** The bucket is part of the path and not of the host's name. */
  forcePathStyle: boolean
  /** What all keys begin with: empty, or ending in `/`. */
  prefix: string
  /** File of certificates (PEM) that are believed besides the system's. */
  caPath: string | null
}

const connectMs = 5_000
const idleSockets = 32

/** The client of a place. Nothing is asked yet; `caPath` is read. */
export async function openS3Client(
  place: S3Place,
  endpoint: string | null = place.endpoint,
): Promise<S3Client> {
  const ca = place.caPath === null ? null : await readFile(place.caPath, 'utf8')
  // Streams that are handed out hold their sockets for as long as their readers take.
  const agent = { keepAlive: true, maxSockets: Infinity, maxFreeSockets: idleSockets }
  return new S3Client({
    region: place.region,
    forcePathStyle: place.forcePathStyle,
    ...(endpoint === null ? {} : { endpoint }),
    ...(place.keys === null ? {} : { credentials: place.keys }),
    // Others than AWS do not know the newer ones.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // What is tried again, and for how long, is told by each call.
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: connectMs,
      throwOnRequestTimeout: true,
      // A reader may take its time; who waits for bytes has a limit of its own.
      socketTimeout: 0,
      httpAgent: agent,
      httpsAgent: new Agent(ca === null ? agent : { ...agent, ca: [...rootCertificates, ca] }),
    },
  })
}

import { AppError } from '../../../errors.ts'

/** Refusals of a store that has no room, whatever their status. */
const full = new Set([
  'QuotaExceeded',
  'InsufficientStorage',
  'XMinioStorageFull',
  'XMinioAdminBucketQuotaExceeded',
])
const elsewhere = new Set(['PermanentRedirect', 'AuthorizationHeaderMalformed'])
/** Refusals with a status below 500 that another attempt may not meet. */
const passing = new Set([
  'RequestTimeout',
  'RequestTimeTooSkewed',
  'SlowDown',
  'Throttling',
  'ThrottlingException',
])

/** Whether the same request may succeed a little later without anybody doing something. */
export function isPassing(error: unknown): boolean {
  const status = statusOf(error)
  if (isFull(error)) return false
  if (passing.has(nameOf(error))) return true
  if (status === undefined) return !isOurs(error)
  return status >= 500 || status === 429 || status === 408
}

/** What is wrong with the store, in words for the operator; never with a credential in it. */
export function explainFailure(error: unknown, bucket: string): AppError {
  if (error instanceof AppError) return error
  const said = nameOf(error)
  const status = statusOf(error)
  const explained = new AppError('unavailable', sentenceOf(error, { bucket, said, status }))
  explained.cause = error
  return explained
}

function sentenceOf(
  error: unknown,
  { bucket, said, status }: { bucket: string; said: string; status: number | undefined },
): string {
  if (isFull(error)) return `The object storage is full: the bucket ${bucket} answers ${said}`
  if (said === 'NoSuchBucket') return `The object storage has no bucket ${bucket}`
  if (elsewhere.has(said)) {
    return `The object storage has the bucket ${bucket} in another region than S3_REGION says: ${said}`
  }
  if (status === 401 || status === 403) {
    return `The object storage refuses the credentials, or what is asked with them of the bucket ${bucket}: ${said}`
  }
  if (isOurs(error)) return `The object storage cannot be asked: ${said}`
  return status === undefined || status >= 500
    ? `The object storage with the bucket ${bucket} is away or broken: ${said}`
    : `The object storage does not take what is asked of the bucket ${bucket}: ${said} (${status})`
}

/** The HTTP status of the answer; undefined where there was none. */
export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
}

/** The code that the store or the system gave it. */
function nameOf(error: unknown): string {
  if (error instanceof AggregateError) return nameOf(error.errors[0])
  if (!(error instanceof Error)) return 'unknown'
  const { code } = error as NodeJS.ErrnoException
  return error.name === 'Error' ? (code ?? error.message.slice(0, 200)) : error.name
}

/** There was no request: no credentials were found. */
function isOurs(error: unknown): boolean {
  return nameOf(error) === 'CredentialsProviderError'
}

function isFull(error: unknown): boolean {
  return full.has(nameOf(error)) || statusOf(error) === 507
}

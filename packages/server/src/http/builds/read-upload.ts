// For what it adds to Fastify's requests: isMultipart, parts.
import type { MultipartFile, MultipartValue } from '@fastify/multipart'
import type { FastifyRequest } from 'fastify'
import { AppError } from '../../errors.ts'

/** A file of a request, as it comes. */
export interface UploadedFile {
  body: AsyncIterable<Buffer>
  /** Without folders; empty where it has no name. */
  name: string
  /** As the part says. */
  contentType: string
}

export interface Upload<T> {
  fields: ReadonlyMap<string, string>
  /** What `take` made of the part `file`; null: there was none. */
  file: T | null
  fileName: string
  contentType: string
}

/** Bytes of a field, fields of a request. */
const limits = { fieldSize: 4_096, fields: 20 }

/**
 * Reads a request of multipart/form-data with texts and at most one file, in the part `file`, which
 * `take` gets as it comes. Where the request then turns out to be bad, `drop` gets what `take` made.
 * `unsupported_media_type`, `payload_too_large` and `invalid_request` where it is not what it should be.
 */
export async function readUpload<T>(
  request: FastifyRequest,
  options: {
    /** Names that fields may have. */
    fields: readonly string[]
    maxFileBytes: number
    take: (file: UploadedFile) => Promise<T>
    drop: (taken: T) => Promise<void>
  },
): Promise<Upload<T>> {
  if (!request.isMultipart()) {
    throw new AppError('unsupported_media_type', 'The body must be multipart/form-data')
  }
  const parts = request.parts({
    limits: { ...limits, files: 1, parts: limits.fields + 1, fileSize: options.maxFileBytes + 1 },
  })
  const fields = new Map<string, string>()
  const problems: { path: string; message: string }[] = []
  let file: { taken: T; name: string; contentType: string } | null = null
  try {
    for (;;) {
      const part = await nextOf(parts)
      if (part === null) break
      const { fieldname: name } = part
      if (part.type === 'field') {
        const problem = fieldProblem(part, options.fields, fields)
        if (problem !== null) problems.push({ path: `/${name}`, message: problem })
        else fields.set(name, String(part.value))
      } else if (name === 'file') {
        const upload = { body: part.file, name: part.filename, contentType: part.mimetype }
        file = { taken: await options.take(upload), ...upload }
      } else {
        part.file.resume()
        problems.push({ path: `/${name}`, message: 'is not known here, or is no file' })
      }
    }
    refuse(problems)
  } catch (error) {
    if (file !== null) await options.drop(file.taken)
    throw error
  }
  const { taken = null, name = '', contentType = '' } = file ?? {}
  return { fields, file: taken, fileName: name, contentType }
}

type Part = MultipartFile | MultipartValue

/** The next part; an AppError where what is sent is no form. */
async function nextOf(parts: AsyncIterator<Part>): Promise<Part | null> {
  try {
    const next = await parts.next()
    return next.done === true ? null : next.value
  } catch (error) {
    const code = (error as { code?: string }).code ?? ''
    if (code === 'FST_REQ_FILE_TOO_LARGE') {
      throw new AppError('payload_too_large', 'The file is too large')
    }
    if (code === 'FST_FILES_LIMIT' || code === 'FST_PARTS_LIMIT' || code === 'FST_FIELDS_LIMIT') {
      throw new AppError('invalid_request', 'The body is not valid: it has more parts than it may')
    }
    throw new AppError('invalid_request', 'The body is not valid multipart/form-data')
  }
}

function fieldProblem(
  part: MultipartValue,
  known: readonly string[],
  seen: ReadonlyMap<string, string>,
): string | null {
  if (!known.includes(part.fieldname)) return 'is not known here'
  if (seen.has(part.fieldname)) return 'is there twice'
  if (typeof part.value !== 'string') return 'must be text'
  if ((part as { valueTruncated?: boolean }).valueTruncated === true) return 'is too long'
  if (part.value.includes('\0')) return 'must not hold NUL or half a surrogate pair'
  return null
}

function refuse(problems: readonly { path: string; message: string }[]): void {
  const [first] = problems
  if (first === undefined) return
  throw new AppError('invalid_request', `The body is not valid: ${first.path} ${first.message}`, {
    problems,
  })
}

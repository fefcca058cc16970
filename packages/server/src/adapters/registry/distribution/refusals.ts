import { AppError } from '../../../errors.ts'
import { readJson } from './read-body.ts'

const maxErrorBytes = 64 * 1024
/** Codes that mean that what was pushed is not whole or not valid. */
const aboutContent: ReadonlySet<string> = new Set([
  'BLOB_UNKNOWN',
  'DIGEST_INVALID',
  'MANIFEST_BLOB_UNKNOWN',
  'MANIFEST_INVALID',
  'MANIFEST_UNVERIFIED',
  'NAME_INVALID',
  'SIZE_INVALID',
  'TAG_INVALID',
])

/**
 * The error that an answer stands for which is not what was hoped for, and the registry's own code
 * for it, empty where it gives none; reads the body.
 */
export async function toRefusal(
  response: Response,
  input: { base: string; doing: string },
): Promise<{ error: AppError; said: string }> {
  const { code, message } = await readError(response)
  const { status } = response
  const said = [String(status), code, message].filter((part) => part !== '').join(' ')
  const text = `The registry ${input.base} refuses ${input.doing}: ${said}`
  return { error: new AppError(meaning(status, code), text), said: code }
}

function meaning(status: number, code: string) {
  if (status === 401 || status === 403) return 'authorization_failed'
  return status < 500 && aboutContent.has(code) ? 'invalid_request' : 'unavailable'
}

/** The first error of the body, as the Distribution Specification has it. */
async function readError(response: Response): Promise<{ code: string; message: string }> {
  const body = await readJson(response, maxErrorBytes).catch(() => null)
  const errors = body?.['errors']
  const first: unknown = Array.isArray(errors) ? errors[0] : null
  if (typeof first !== 'object' || first === null) return { code: '', message: '' }
  const { code, message } = first as Record<string, unknown>
  return { code: shown(code), message: shown(message) }
}

/** A text of a foreign server: short, and of nothing that a terminal would obey. */
function shown(text: unknown): string {
  return typeof text === 'string' ? text.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 300) : ''
}

/** Bytes of a result as JSON; larger ones belong into the object store, with a reference here. */
export const maxResultBytes = 1024 * 1024
const maxErrorLength = 4000

/** A result as the ledger stores it: `resultToJson`, but a RangeError for what is too large. */
export function encodeResult(value: unknown): string | null {
  const json = resultToJson(value)
  if (json !== null && Buffer.byteLength(json) > maxResultBytes) {
    throw new RangeError(`The result of the job is larger than ${maxResultBytes} bytes.`)
  }
  return json
}

/**
 * A result of any size as JSON, null for none. NUL and half a surrogate pair, which PostgreSQL
 * refuses, become U+FFFD. Throws a TypeError for what is not JSON.
 */
export function resultToJson(value: unknown): string | null {
  if (value === undefined || value === null) return null
  const json: string | undefined = JSON.stringify(value)
  if (json === undefined) throw new TypeError('The result of the job is not JSON.')
  // A well-formed pair is never escaped by JSON.stringify, so any escaped surrogate is half of one.
  return json.replaceAll(/(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g, String.raw`$1\ufffd`)
}

/** An error's text as the ledger stores it. */
export function encodeError(text: string | null | undefined): string | null {
  return text?.replaceAll('\0', '\ufffd').slice(0, maxErrorLength) ?? null
}
